-- The whole schema as the migrations make it. A test compares them; change it with every migration.

CREATE TABLE schema_change (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BYTEA NOT NULL,
    at BIGINT NOT NULL
);

-- Instants are microseconds since the epoch, UTC. Ids are 16 bytes, hashes 32. `sealed` columns are encrypted.
-- States are the codes of src/codec.rs; the partial indexes below name them.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Positions: they grow with time. (SQLite has a table `counter` for this.)
CREATE SEQUENCE inbox_position;
CREATE SEQUENCE outbox_position;
CREATE SEQUENCE link_position;
CREATE SEQUENCE consent_position;

CREATE TABLE customer (
    shard BIGINT NOT NULL,
    id BYTEA NOT NULL,
    institution TEXT NOT NULL,
    subject BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    receipt_seq BIGINT NOT NULL,
    receipt_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- The key of the customer's entries in the log, under the customer's key; and the place of the last receipt there.
    sealed_log_key BYTEA NOT NULL,
    log_segment BIGINT NOT NULL,
    log_n BIGINT NOT NULL,
    -- A MAC under the customer's key of the number, hash and place of the last receipt: who can write here without the key
    -- cannot begin a history anew.
    receipt_mac BYTEA NOT NULL,
    -- From here on there is no such customer: the rest of an erasure is under way.
    erased_at BIGINT,
    PRIMARY KEY (shard, id)
);
CREATE UNIQUE INDEX customer_subject ON customer (institution, subject);
CREATE UNIQUE INDEX customer_id ON customer (id);

-- Ids of customers who were erased here: should an older key custody be put back, their keys are destroyed again.
CREATE TABLE erased (
    id BYTEA NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE INDEX erased_since ON erased (at);

CREATE TABLE receipt (
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    message BYTEA,
    log_index BIGINT NOT NULL,
    PRIMARY KEY (shard, customer, seq)
);

CREATE TABLE link (
    shard BIGINT NOT NULL,
    id BYTEA NOT NULL,
    position BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    institution TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- The person on the channel, blinded; the page-scoped id and the accounts are sealed.
    person BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    state BIGINT NOT NULL,
    code_hash BYTEA,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (shard, id),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
);
CREATE INDEX link_conversation ON link (channel, person, position);
CREATE INDEX link_customer ON link (shard, customer, position);
CREATE INDEX link_code ON link (code_hash) WHERE state = 0;
CREATE INDEX link_active ON link (position) WHERE state = 1;
CREATE INDEX link_active_id ON link (id) WHERE state = 1;
CREATE INDEX link_ended ON link (ended_at) WHERE state = 2;
CREATE UNIQUE INDEX link_one_active ON link (channel, person, institution) WHERE state = 1;

CREATE TABLE link_account (
    institution TEXT NOT NULL,
    -- Blinded.
    account BYTEA NOT NULL,
    shard BIGINT NOT NULL,
    link BYTEA NOT NULL,
    PRIMARY KEY (institution, account, shard, link)
);
CREATE INDEX link_account_link ON link_account (shard, link);

CREATE TABLE consent (
    shard BIGINT NOT NULL,
    id BYTEA NOT NULL,
    position BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    link BYTEA NOT NULL,
    state BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (shard, id),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
);
CREATE INDEX consent_customer ON consent (shard, customer, position);
CREATE INDEX consent_link ON consent (shard, link, position);
CREATE UNIQUE INDEX consent_active ON consent (shard, link) WHERE state = 0;

-- What happened to a consent, each under the customer's key, each naming the hash of the one before.
CREATE TABLE consent_event (
    shard BIGINT NOT NULL,
    consent BYTEA NOT NULL,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (shard, consent, number),
    FOREIGN KEY (shard, consent) REFERENCES consent (shard, id) ON DELETE CASCADE
);

CREATE TABLE bank_grant (
    shard BIGINT NOT NULL,
    link BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    sealed_bank_consent BYTEA,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (shard, link),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
);

-- The ids under which a bank knows our grants, blinded: whom a notification about one of them concerns.
CREATE TABLE bank_consent (
    institution TEXT NOT NULL,
    consent BYTEA NOT NULL,
    shard BIGINT NOT NULL,
    link BYTEA NOT NULL,
    PRIMARY KEY (institution, consent, shard, link)
);
CREATE INDEX bank_consent_link ON bank_consent (shard, link);

CREATE TABLE story (
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    key BYTEA NOT NULL,
    state BIGINT NOT NULL,
    told BYTEA NOT NULL,
    told_at BIGINT NOT NULL,
    -- The message that says it for the first time: should it end unsent, nothing was told.
    told_by BYTEA,
    PRIMARY KEY (shard, customer, key)
);
CREATE INDEX story_told ON story (told_at);

CREATE TABLE book (
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    key BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (shard, customer, key)
);
CREATE INDEX book_changed ON book (changed_at);

CREATE TABLE conversation (
    shard BIGINT NOT NULL,
    channel TEXT NOT NULL,
    person BYTEA NOT NULL,
    lang TEXT NOT NULL,
    lang_chosen BIGINT NOT NULL,
    last_inbound_at BIGINT,
    welcomed_at BIGINT,
    -- Another app of the platform has the conversation: which (empty if it is not told), and since when.
    owner TEXT,
    owner_since BIGINT,
    -- When the platform last said whose it is, by its own clock: an older word that comes later changes nothing.
    owner_said_at BIGINT,
    PRIMARY KEY (shard, channel, person)
);

CREATE TABLE inbox (
    shard BIGINT NOT NULL,
    position BIGINT NOT NULL,
    lane BYTEA NOT NULL,
    key BYTEA NOT NULL,
    source BIGINT NOT NULL,
    body BYTEA NOT NULL,
    state BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (shard, position)
);
CREATE UNIQUE INDEX inbox_key ON inbox (shard, key);
CREATE INDEX inbox_lane ON inbox (lane, position) WHERE state = 0;
CREATE INDEX inbox_waiting ON inbox (source, position) WHERE state = 0;
CREATE INDEX inbox_done ON inbox (received_at) WHERE state = 1;
CREATE INDEX inbox_failed ON inbox (position) WHERE state = 2;

CREATE TABLE outbox (
    shard BIGINT NOT NULL,
    position BIGINT NOT NULL,
    message BYTEA NOT NULL,
    channel TEXT NOT NULL,
    person BYTEA NOT NULL,
    customer BYTEA,
    -- Why it may leave, the hash of what it says, and to whom it goes.
    sealed_basis BYTEA,
    -- To whom it goes and the hash of what it says, where there is no basis.
    sealed_to BYTEA,
    -- The customer under whose key that and the text are, where there is no basis; else they are under the deployment's.
    -- It goes with them.
    key_of BYTEA,
    -- What it is about, where there is no basis: 0 that customer's link, 1 several links of the chat, 2 the chat alone.
    about BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    -- Where there is none: short MACs of its texts, which go once it is sent.
    said BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    ticket BYTEA NOT NULL,
    state BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    mid TEXT,
    reason TEXT,
    customer_shard BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    -- Whether the platform takes it also when the person has been away.
    anytime BIGINT NOT NULL,
    -- Whether an attempt may have arrived: from then on nothing says that it was not sent.
    doubtful BIGINT NOT NULL,
    -- A MAC of the links of the chat in which a human of the institution wrote it.
    agent BYTEA,
    PRIMARY KEY (shard, position)
);
CREATE UNIQUE INDEX outbox_message ON outbox (message);
CREATE INDEX outbox_conversation ON outbox (channel, person, position) WHERE state < 4;
CREATE INDEX outbox_due ON outbox (due_at, position) WHERE state < 3;
CREATE INDEX outbox_under_way ON outbox (shard) WHERE state IN (1, 2);
CREATE INDEX outbox_held ON outbox (channel, person) WHERE state = 3;
CREATE INDEX outbox_expiry ON outbox (expires_at) WHERE state < 4;
CREATE INDEX outbox_dead ON outbox (position) WHERE state = 5;
CREATE INDEX outbox_over ON outbox (created_at) WHERE state > 3 AND customer IS NOT NULL;
CREATE INDEX outbox_plain_over ON outbox (created_at) WHERE state > 3 AND customer IS NULL;
CREATE INDEX outbox_mid ON outbox (mid) WHERE mid IS NOT NULL;
CREATE INDEX outbox_dead_text ON outbox (expires_at) WHERE state = 5 AND customer IS NULL AND length(payload) > 0;
CREATE INDEX outbox_doubtful ON outbox (channel, person) WHERE doubtful = 1;
CREATE INDEX outbox_plain ON outbox (channel, person) WHERE state > 3 AND customer IS NULL;

-- News that a customer was not told yet: the window was closed, or somebody else had the conversation. The body is the
-- event as it came in, under the customer's key.
CREATE TABLE waiting (
    shard BIGINT NOT NULL,
    position BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    link BYTEA NOT NULL,
    -- What it is news of: newer news of the same take its place.
    story BYTEA NOT NULL,
    telling BIGINT NOT NULL,
    key BYTEA NOT NULL,
    body BYTEA NOT NULL,
    conversation_shard BIGINT NOT NULL,
    channel TEXT NOT NULL,
    person BYTEA NOT NULL,
    -- When the customer was told that there is news.
    noticed_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (shard, link, story)
);
CREATE INDEX waiting_age ON waiting (created_at);
CREATE INDEX waiting_person ON waiting (channel, person);

-- The page behind a notice: what the notice did not say, under the customer's key for its purpose. Found by the hash of
-- the token that the notice's link ends in.
CREATE TABLE sealed_page (
    hash BYTEA NOT NULL PRIMARY KEY,
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    link BYTEA NOT NULL,
    -- The notice, and the number of its receipt.
    message BYTEA NOT NULL,
    receipt_seq BIGINT NOT NULL,
    -- Why the notice could be sent.
    sealed_basis BYTEA NOT NULL,
    -- Empty once it was opened.
    sealed BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    opened_at BIGINT
);
CREATE INDEX sealed_page_expiry ON sealed_page (expires_at);
CREATE INDEX sealed_page_customer ON sealed_page (shard, customer, link);

-- What a customer's passkey is verified with, under their key. Without secrets: the passkey is on the customer's device.
CREATE TABLE passkey (
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    id BYTEA NOT NULL,
    -- A keyed hash of the authenticator's own id: the same passkey is kept once.
    hash BYTEA NOT NULL UNIQUE,
    -- Counts the uses; the sealed bytes are bound to it.
    uses BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (shard, customer, id)
);

-- How a channel stands at its platform; no row: well.
CREATE TABLE channel_state (
    channel TEXT NOT NULL PRIMARY KEY,
    state BIGINT NOT NULL,
    since BIGINT NOT NULL
);

-- Texts that a platform approves beforehand, and how they stand.
CREATE TABLE approved_text (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    lang TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (channel, name, lang)
);

-- What a platform asked us to forget, by the code of its status page. It holds no id of a person.
CREATE TABLE platform_request (
    code BYTEA NOT NULL PRIMARY KEY,
    kind BIGINT NOT NULL,
    chats BIGINT NOT NULL,
    untold BIGINT NOT NULL,
    at BIGINT NOT NULL,
    done_at BIGINT
);

-- Messages that the platform says were sent and no row of the outbox covers.
CREATE TABLE alarm (
    id BYTEA NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    mid TEXT NOT NULL,
    kind BIGINT NOT NULL,
    app_id TEXT,
    message BYTEA,
    at BIGINT NOT NULL,
    closed_at BIGINT,
    closed_by TEXT
);
CREATE INDEX alarm_open ON alarm (at) WHERE closed_at IS NULL;
CREATE INDEX alarm_over ON alarm (closed_at) WHERE closed_at IS NOT NULL;

-- Whose chat an alarm is about: who has a receipt of it, and will have one of its end.
CREATE TABLE alarm_told (
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    alarm BYTEA NOT NULL,
    PRIMARY KEY (shard, customer, alarm)
);
CREATE INDEX alarm_told_alarm ON alarm_told (alarm);

-- Messages seen at the platform that wait for an explanation (0) or need none any more (1).
CREATE TABLE sighting (
    channel TEXT NOT NULL,
    mid TEXT NOT NULL,
    state BIGINT NOT NULL,
    message BYTEA,
    at BIGINT NOT NULL,
    -- In whose chat, blinded.
    person BYTEA,
    PRIMARY KEY (channel, mid)
);
CREATE INDEX sighting_waiting ON sighting (at) WHERE state = 0;
CREATE INDEX sighting_age ON sighting (at);
CREATE INDEX sighting_message ON sighting (message) WHERE message IS NOT NULL;

CREATE TABLE token (
    hash BYTEA NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    sealed_to BYTEA NOT NULL,
    -- Whose it is, blinded: an erasure finds it by this.
    person BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX token_expiry ON token (expires_at);
CREATE INDEX token_person ON token (channel, person);

CREATE TABLE session (
    hash BYTEA NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);

-- Every version stays: what an institution once allowed or refused is part of the record.
CREATE TABLE agreement (
    institution TEXT NOT NULL,
    channel TEXT NOT NULL,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (institution, channel, version)
);

-- What was done to agreements, by whom and when; refused requests too. Never changed, never removed.
CREATE TABLE agreement_event (
    number BIGINT NOT NULL PRIMARY KEY,
    institution TEXT,
    channel TEXT,
    act BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX agreement_event_pair ON agreement_event (institution, channel, number);
CREATE INDEX agreement_event_refused ON agreement_event (number) WHERE act = 1;

-- Every version of an institution's policy document stays; the newest decides.
CREATE TABLE policy (
    institution TEXT NOT NULL,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    document TEXT NOT NULL,
    accepted_how TEXT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT NOT NULL,
    PRIMARY KEY (institution, version)
);

CREATE TABLE kill (
    scope TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL
);

-- Records of a Kafka topic that were set aside: where they lie in the topic, and why. Nothing of what is in them.
CREATE TABLE aside_record (
    source TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition_no BIGINT NOT NULL,
    first_offset BIGINT NOT NULL,
    last_offset BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (source, topic, partition_no, first_offset)
);
CREATE INDEX aside_record_at ON aside_record (at);

CREATE TABLE job (
    id BYTEA NOT NULL PRIMARY KEY,
    shard BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    body BYTEA NOT NULL,
    state BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX job_due ON job (due_at) WHERE state = 0 AND kind <> 4 AND kind <> 5;
CREATE INDEX job_look_due ON job (due_at) WHERE state = 0 AND kind = 4;
CREATE INDEX job_poll_due ON job (due_at) WHERE state = 0 AND kind = 5;
CREATE INDEX job_dead ON job (due_at) WHERE state = 1;
CREATE INDEX job_customer ON job (shard, customer);

-- The disclosure log (docs/disclosure-log.md). One row: how many entries there are, and the open segment.
CREATE TABLE log_head (
    id BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    segment_first BIGINT NOT NULL,
    segment_began BIGINT,
    -- Entries up to and with the last reserved index entry.
    reserved BIGINT NOT NULL
);
INSERT INTO log_head (id, size, segment, segment_first, segment_began, reserved) VALUES (1, 0, 0, 0, NULL, 0);

-- An index entry's place is reserved before its content is known.
CREATE TABLE log_entry (
    log_index BIGINT NOT NULL PRIMARY KEY,
    entry BYTEA
);
CREATE INDEX log_entry_reserved ON log_entry (log_index) WHERE entry IS NULL;

-- A segment that has ended: its first entry and its final index entry.
CREATE TABLE log_segment (
    segment BIGINT NOT NULL PRIMARY KEY,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL
);

-- The newest checkpoint that was published, a signed note.
CREATE TABLE log_checkpoint (
    id BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    note TEXT NOT NULL
);

-- The documents behind the log's rule changes: policies and agreements. They are public.
CREATE TABLE log_rule (
    sha256 BYTEA NOT NULL PRIMARY KEY,
    log_index BIGINT NOT NULL,
    document TEXT NOT NULL
);

-- What the sweeps removed, by kind of data; `sweep` is the last of them all.
CREATE TABLE retention (
    kind TEXT NOT NULL PRIMARY KEY,
    last_run BIGINT NOT NULL,
    removed_last BIGINT NOT NULL,
    removed_total BIGINT NOT NULL
);

-- Processes that work on this database side by side (docs/operate.md). Each renews `until`, by the database's clock, in
-- every transaction of its own; one that has an end commits nothing any more. Numbers are never used again.
CREATE SEQUENCE node_number;
CREATE TABLE node (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    ended_at BIGINT,
    -- Whether others ended it, because its time was over.
    fenced BIGINT NOT NULL
);

-- Whose a shard is: its node decides the events, sends the messages and does the jobs of it. `epoch` counts the changes.
CREATE TABLE lease (
    shard BIGINT NOT NULL PRIMARY KEY,
    node BIGINT,
    epoch BIGINT NOT NULL,
    -- Since when its node has it, by the database's clock.
    since BIGINT
);
CREATE INDEX lease_node ON lease (node, shard);
INSERT INTO lease (shard, node, epoch) SELECT n, NULL, 0 FROM generate_series(0, 4095) AS n;
