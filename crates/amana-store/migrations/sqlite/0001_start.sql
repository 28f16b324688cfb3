-- Instants are microseconds since the epoch, UTC. Ids are 16 bytes, hashes 32. `sealed` columns are encrypted.
-- States are the codes of src/codec.rs; the partial indexes below name them.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- The last number handed out for each kind of position. (PostgreSQL has sequences for this.)
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('inbox', 0), ('outbox', 0), ('link', 0), ('consent', 0);

CREATE TABLE customer (
    shard INTEGER NOT NULL,
    id BLOB NOT NULL,
    institution TEXT NOT NULL,
    subject BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    receipt_seq INTEGER NOT NULL,
    receipt_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- The key of the customer's entries in the log, under the customer's key; and the place of the last receipt there.
    sealed_log_key BLOB NOT NULL,
    log_segment INTEGER NOT NULL,
    log_n INTEGER NOT NULL,
    -- A MAC under the customer's key of the number, hash and place of the last receipt: who can write here without the key
    -- cannot begin a history anew.
    receipt_mac BLOB NOT NULL,
    -- From here on there is no such customer: the rest of an erasure is under way.
    erased_at INTEGER,
    PRIMARY KEY (shard, id)
) STRICT;
CREATE UNIQUE INDEX customer_subject ON customer (institution, subject);
CREATE UNIQUE INDEX customer_id ON customer (id);

-- Ids of customers who were erased here: should an older key custody be put back, their keys are destroyed again.
CREATE TABLE erased (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX erased_since ON erased (at);

CREATE TABLE receipt (
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    seq INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    message BLOB,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (shard, customer, seq)
) STRICT;

CREATE TABLE link (
    shard INTEGER NOT NULL,
    id BLOB NOT NULL,
    position INTEGER NOT NULL,
    customer BLOB NOT NULL,
    institution TEXT NOT NULL,
    channel TEXT NOT NULL,
    -- The person on the channel, blinded; the page-scoped id and the accounts are sealed.
    person BLOB NOT NULL,
    sealed BLOB NOT NULL,
    state INTEGER NOT NULL,
    code_hash BLOB,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (shard, id),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
) STRICT;
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
    account BLOB NOT NULL,
    shard INTEGER NOT NULL,
    link BLOB NOT NULL,
    PRIMARY KEY (institution, account, shard, link)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_account_link ON link_account (shard, link);

CREATE TABLE consent (
    shard INTEGER NOT NULL,
    id BLOB NOT NULL,
    position INTEGER NOT NULL,
    customer BLOB NOT NULL,
    link BLOB NOT NULL,
    state INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (shard, id),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
) STRICT;
CREATE INDEX consent_customer ON consent (shard, customer, position);
CREATE INDEX consent_link ON consent (shard, link, position);
CREATE UNIQUE INDEX consent_active ON consent (shard, link) WHERE state = 0;

-- What happened to a consent, each under the customer's key, each naming the hash of the one before.
CREATE TABLE consent_event (
    shard INTEGER NOT NULL,
    consent BLOB NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (shard, consent, number),
    FOREIGN KEY (shard, consent) REFERENCES consent (shard, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE bank_grant (
    shard INTEGER NOT NULL,
    link BLOB NOT NULL,
    customer BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    sealed_bank_consent BLOB,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (shard, link),
    FOREIGN KEY (shard, customer) REFERENCES customer (shard, id)
) STRICT;

-- The ids under which a bank knows our grants, blinded: whom a notification about one of them concerns.
CREATE TABLE bank_consent (
    institution TEXT NOT NULL,
    consent BLOB NOT NULL,
    shard INTEGER NOT NULL,
    link BLOB NOT NULL,
    PRIMARY KEY (institution, consent, shard, link)
) STRICT, WITHOUT ROWID;
CREATE INDEX bank_consent_link ON bank_consent (shard, link);

CREATE TABLE story (
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    key BLOB NOT NULL,
    state INTEGER NOT NULL,
    told BLOB NOT NULL,
    told_at INTEGER NOT NULL,
    -- The message that says it for the first time: should it end unsent, nothing was told.
    told_by BLOB,
    PRIMARY KEY (shard, customer, key)
) STRICT;
CREATE INDEX story_told ON story (told_at);

CREATE TABLE book (
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (shard, customer, key)
) STRICT;
CREATE INDEX book_changed ON book (changed_at);

CREATE TABLE conversation (
    shard INTEGER NOT NULL,
    channel TEXT NOT NULL,
    person BLOB NOT NULL,
    lang TEXT NOT NULL,
    lang_chosen INTEGER NOT NULL,
    last_inbound_at INTEGER,
    welcomed_at INTEGER,
    -- Another app of the platform has the conversation: which (empty if it is not told), and since when.
    owner TEXT,
    owner_since INTEGER,
    -- When the platform last said whose it is, by its own clock: an older word that comes later changes nothing.
    owner_said_at INTEGER,
    PRIMARY KEY (shard, channel, person)
) STRICT;

-- The position is one counter's over all shards: here it is the key by itself. Keys begin with the event's time, and so
-- does their index.
CREATE TABLE inbox (
    shard INTEGER NOT NULL,
    position INTEGER NOT NULL PRIMARY KEY,
    lane BLOB NOT NULL,
    key BLOB NOT NULL,
    source INTEGER NOT NULL,
    body BLOB NOT NULL,
    state INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT,
    received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX inbox_key ON inbox (key, shard);
CREATE INDEX inbox_lane ON inbox (lane, position) WHERE state = 0;
CREATE INDEX inbox_waiting ON inbox (source, position) WHERE state = 0;
CREATE INDEX inbox_done ON inbox (received_at) WHERE state = 1;
CREATE INDEX inbox_failed ON inbox (position) WHERE state = 2;

CREATE TABLE outbox (
    shard INTEGER NOT NULL,
    position INTEGER NOT NULL PRIMARY KEY,
    message BLOB NOT NULL,
    channel TEXT NOT NULL,
    person BLOB NOT NULL,
    customer BLOB,
    -- Why it may leave, the hash of what it says, and to whom it goes.
    sealed_basis BLOB,
    -- To whom it goes and the hash of what it says, where there is no basis.
    sealed_to BLOB,
    -- The customer under whose key that and the text are, where there is no basis; else they are under the deployment's.
    -- It goes with them.
    key_of BLOB,
    -- What it is about, where there is no basis: 0 that customer's link, 1 several links of the chat, 2 the chat alone.
    about INTEGER NOT NULL,
    payload BLOB NOT NULL,
    -- Where there is none: short MACs of its texts, which go once it is sent.
    said BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    ticket BLOB NOT NULL,
    state INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    mid TEXT,
    reason TEXT,
    customer_shard INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    -- Whether the platform takes it also when the person has been away.
    anytime INTEGER NOT NULL,
    -- Whether an attempt may have arrived: from then on nothing says that it was not sent.
    doubtful INTEGER NOT NULL,
    -- A MAC of the links of the chat in which a human of the institution wrote it.
    agent BLOB
) STRICT;
CREATE UNIQUE INDEX outbox_message ON outbox (message);
CREATE INDEX outbox_conversation ON outbox (channel, person, position) WHERE state < 4;
CREATE INDEX outbox_due ON outbox (due_at, position) WHERE state < 3;
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
    shard INTEGER NOT NULL,
    position INTEGER NOT NULL,
    customer BLOB NOT NULL,
    link BLOB NOT NULL,
    -- What it is news of: newer news of the same take its place.
    story BLOB NOT NULL,
    telling INTEGER NOT NULL,
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    conversation_shard INTEGER NOT NULL,
    channel TEXT NOT NULL,
    person BLOB NOT NULL,
    -- When the customer was told that there is news.
    noticed_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (shard, link, story)
) STRICT;
CREATE INDEX waiting_age ON waiting (created_at);
CREATE INDEX waiting_person ON waiting (channel, person);

-- The page behind a notice: what the notice did not say, under the customer's key for its purpose. Found by the hash of
-- the token that the notice's link ends in.
CREATE TABLE sealed_page (
    hash BLOB NOT NULL PRIMARY KEY,
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    link BLOB NOT NULL,
    -- The notice, and the number of its receipt.
    message BLOB NOT NULL,
    receipt_seq INTEGER NOT NULL,
    -- Why the notice could be sent.
    sealed_basis BLOB NOT NULL,
    -- Empty once it was opened.
    sealed BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    opened_at INTEGER
) STRICT;
CREATE INDEX sealed_page_expiry ON sealed_page (expires_at);
CREATE INDEX sealed_page_customer ON sealed_page (shard, customer, link);

-- What a customer's passkey is verified with, under their key. Without secrets: the passkey is on the customer's device.
CREATE TABLE passkey (
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    id BLOB NOT NULL,
    -- A keyed hash of the authenticator's own id: the same passkey is kept once.
    hash BLOB NOT NULL UNIQUE,
    -- Counts the uses; the sealed bytes are bound to it.
    uses INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (shard, customer, id)
) STRICT;

-- How a channel stands at its platform; no row: well.
CREATE TABLE channel_state (
    channel TEXT NOT NULL PRIMARY KEY,
    state INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- Texts that a platform approves beforehand, and how they stand.
CREATE TABLE approved_text (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    lang TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, name, lang)
) STRICT;

-- What a platform asked us to forget, by the code of its status page. It holds no id of a person.
CREATE TABLE platform_request (
    code BLOB NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    chats INTEGER NOT NULL,
    untold INTEGER NOT NULL,
    at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;

-- Messages that the platform says were sent and no row of the outbox covers.
CREATE TABLE alarm (
    id BLOB NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    mid TEXT NOT NULL,
    kind INTEGER NOT NULL,
    app_id TEXT,
    message BLOB,
    at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT
) STRICT;
CREATE INDEX alarm_open ON alarm (at) WHERE closed_at IS NULL;
CREATE INDEX alarm_over ON alarm (closed_at) WHERE closed_at IS NOT NULL;

-- Whose chat an alarm is about: who has a receipt of it, and will have one of its end.
CREATE TABLE alarm_told (
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    alarm BLOB NOT NULL,
    PRIMARY KEY (shard, customer, alarm)
) STRICT;
CREATE INDEX alarm_told_alarm ON alarm_told (alarm);

-- Messages seen at the platform that wait for an explanation (0) or need none any more (1).
CREATE TABLE sighting (
    channel TEXT NOT NULL,
    mid TEXT NOT NULL,
    state INTEGER NOT NULL,
    message BLOB,
    at INTEGER NOT NULL,
    -- In whose chat, blinded.
    person BLOB,
    PRIMARY KEY (channel, mid)
) STRICT;
CREATE INDEX sighting_waiting ON sighting (at) WHERE state = 0;
CREATE INDEX sighting_age ON sighting (at);
CREATE INDEX sighting_message ON sighting (message) WHERE message IS NOT NULL;

CREATE TABLE token (
    hash BLOB NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    sealed_to BLOB NOT NULL,
    -- Whose it is, blinded: an erasure finds it by this.
    person BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;
CREATE INDEX token_expiry ON token (expires_at);
CREATE INDEX token_person ON token (channel, person);

CREATE TABLE session (
    hash BLOB NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_expiry ON session (expires_at);

-- Every version stays: what an institution once allowed or refused is part of the record.
CREATE TABLE agreement (
    institution TEXT NOT NULL,
    channel TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (institution, channel, version)
) STRICT;

-- What was done to agreements, by whom and when; refused requests too. Never changed, never removed.
CREATE TABLE agreement_event (
    number INTEGER NOT NULL PRIMARY KEY,
    institution TEXT,
    channel TEXT,
    act INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX agreement_event_pair ON agreement_event (institution, channel, number);
CREATE INDEX agreement_event_refused ON agreement_event (number) WHERE act = 1;

-- Every version of an institution's policy document stays; the newest decides.
CREATE TABLE policy (
    institution TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    document TEXT NOT NULL,
    accepted_how TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    uploaded_by TEXT NOT NULL,
    PRIMARY KEY (institution, version)
) STRICT;

CREATE TABLE kill (
    scope TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- Records of a Kafka topic that were set aside: where they lie in the topic, and why. Nothing of what is in them.
CREATE TABLE aside_record (
    source TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition_no INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, topic, partition_no, first_offset)
) STRICT;
CREATE INDEX aside_record_at ON aside_record (at);

CREATE TABLE job (
    id BLOB NOT NULL PRIMARY KEY,
    shard INTEGER NOT NULL,
    customer BLOB NOT NULL,
    kind INTEGER NOT NULL,
    body BLOB NOT NULL,
    state INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX job_due ON job (due_at) WHERE state = 0 AND kind <> 4 AND kind <> 5;
CREATE INDEX job_look_due ON job (due_at) WHERE state = 0 AND kind = 4;
CREATE INDEX job_poll_due ON job (due_at) WHERE state = 0 AND kind = 5;
CREATE INDEX job_dead ON job (due_at) WHERE state = 1;
CREATE INDEX job_customer ON job (shard, customer);

-- The disclosure log (docs/disclosure-log.md). One row: how many entries there are, and the open segment.
CREATE TABLE log_head (
    id INTEGER NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    segment_first INTEGER NOT NULL,
    segment_began INTEGER,
    -- Entries up to and with the last reserved index entry.
    reserved INTEGER NOT NULL
) STRICT;
INSERT INTO log_head (id, size, segment, segment_first, segment_began, reserved) VALUES (1, 0, 0, 0, NULL, 0);

-- An index entry's place is reserved before its content is known.
CREATE TABLE log_entry (
    log_index INTEGER NOT NULL PRIMARY KEY,
    entry BLOB
) STRICT;
CREATE INDEX log_entry_reserved ON log_entry (log_index) WHERE entry IS NULL;

-- A segment that has ended: its first entry and its final index entry.
CREATE TABLE log_segment (
    segment INTEGER NOT NULL PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;

-- The newest checkpoint that was published, a signed note.
CREATE TABLE log_checkpoint (
    id INTEGER NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- The documents behind the log's rule changes: policies and agreements. They are public.
CREATE TABLE log_rule (
    sha256 BLOB NOT NULL PRIMARY KEY,
    log_index INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- What the sweeps removed, by kind of data; `sweep` is the last of them all.
CREATE TABLE retention (
    kind TEXT NOT NULL PRIMARY KEY,
    last_run INTEGER NOT NULL,
    removed_last INTEGER NOT NULL,
    removed_total INTEGER NOT NULL
) STRICT;

-- Processes that work on a PostgreSQL side by side; SQLite has one, and these are empty. Each renews `until`, by the database's clock, in
-- every transaction of its own; one that has an end commits nothing any more. Numbers are never used again.
CREATE TABLE node (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    ended_at INTEGER,
    -- Whether others ended it, because its time was over.
    fenced INTEGER NOT NULL
) STRICT;

-- Whose a shard is: its node decides the events, sends the messages and does the jobs of it. `epoch` counts the changes.
CREATE TABLE lease (
    shard INTEGER NOT NULL PRIMARY KEY,
    node INTEGER,
    epoch INTEGER NOT NULL,
    -- Since when its node has it, by the database's clock.
    since INTEGER
) STRICT;
CREATE INDEX lease_node ON lease (node, shard);
