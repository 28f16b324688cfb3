### The gateway's own pages, in English. Calm, plain, exact. Arguments are isolated by Fluent: never write U+2068 here.
### The consent page's texts are part of the notice whose hash stands in each consent.

## Frame

brand = Amana
skip = Skip to the page
language-other = العربية
language-switch = Change the language to Arabic
foot-promise = Nothing leaves your bank without your consent, and you can see everything that did, except what people of the bank write to you themselves.
foot-privacy = My privacy page
title-home = Your bank in your chat
title-link = Link your bank
title-consent = Choose what may be shared
title-done = Linked
title-privacy = My privacy
title-enter = Sign in to your own page
title-accounts = My accounts now
title-notice = A message from your bank
title-passkeys = My passkeys
title-verify = Verify it yourself

## First page

home-heading = Your bank in your chat, on your terms
home-lead = Amana brings your balance and your payments into Messenger. Your bank runs it, and each thing it shows needs your consent.
home-one = You decide
home-one-text = Each purpose has its own tick, its own accounts and its own end. Nothing is ticked for you.
home-two = You see all of it
home-two-text = Your privacy page lists every message that carried something of yours: when, why, and word for word. Of what people of the bank write to you themselves it says that they did, not what.
home-three = You can stop
home-three-text = One tap takes your consent back. It holds from the very next message.
home-start = To begin, open your bank’s chat in Messenger and write “link my bank”.

## Choosing the bank

link-heading = Which bank do you want to link?
link-lead = You will sign in on your bank’s own page. We never see your password.
link-steps = What happens next
link-step-one = You sign in at your bank and choose your accounts there.
link-step-two = You choose here, one by one, what Messenger may show.
link-step-three = You go back to the chat.
link-person = This links the Messenger chat of { $person }. If that is not you, somebody sent you their own link: close this page.
link-none = No bank can be linked on this page at the moment.
link-once = This page is only for you. Its link works once and for ten minutes.
elsewhere-heading = Go on in your own browser
elsewhere-lead = You opened this page inside a chat app. The app could read along while you sign in at your bank, and see the names of your accounts. So linking goes on in your own browser.
elsewhere-menu = Open the menu of this window (⋯ or ⋮) and choose “Open in browser”.
elsewhere-copy = Or hold your finger on this link, copy it, and paste it into your browser:
elsewhere-nobody = This link is for you alone. Do not pass it on.
elsewhere-get = Get my link
elsewhere-get-how = You get a link that works in any browser, once and for ten minutes.
enter-heading = Sign in at your bank
enter-lead = This page shows what is yours alone, so your bank asks who you are first.
enter-button = Sign in with { $bank }
enter-why = There is no password of ours, and no secret in the link. Your bank says who you are, and you see what is yours.

## What a notice did not say

notice-heading = A message from your bank
notice-lead = Messenger was told that there is something, and not what. Your bank asks who you are, then the message is shown here, once.
notice-open = Open the message
notice-passkey = Open with a passkey
notice-no-passkeys = This browser has no passkeys, as browsers inside other apps often have none. Your bank’s login opens the message, too.
notice-accounts = See my accounts as they are now
notice-noscript = Without JavaScript this page cannot know which message you came for. Your accounts as they are now need none: follow the link below and sign in at your bank.
notice-incomplete = The address is not complete, so we do not know which message you came for. Tap the button in the chat again.
notice-ready-heading = You are signed in
notice-ready-lead = The message is shown once, on the next page. Make sure first that nobody reads along.
notice-show = Show the message
notice-shown-heading = Your message from { $bank }
notice-shown-lead = For your eyes only: Messenger was told that there is something, and not this. It is not shown a second time.
notice-shown-receipts = Receipt { $look } records that you looked, receipt { $notice } what Messenger was told.
notice-shown-passkeys = Open the next one with a passkey

## Passkeys

passkey-ask-heading = Show that it is you
passkey-ask-lead = Your device asks for your face, your finger or its code. Then the message is shown, once: make sure first that nobody reads along.
passkey-ask-go = Use my passkey
passkey-ask-failed = No passkey was used. Try again, or open the message with your bank’s login.
passkey-ask-else = No passkey here?
passkey-ask-bank = Use my bank’s login instead
passkey-noscript = Passkeys need JavaScript. Your bank’s login needs none.
passkey-missing = This browser has no passkeys, as browsers inside other apps often have none. Open the page in the browser of your device, or use your bank’s login.
passkey-name = { $bank }: messages
passkeys-heading = Passkeys for messages from { $bank }
passkeys-lead = A passkey opens a message that Messenger was not told, without your bank’s login. It opens nothing else: this page and your accounts still need the login.
passkeys-what = The passkey stays on your device, or with whoever keeps your passkeys. We keep only what it takes to recognise it; no fingerprint and no face ever reaches us.
passkeys-yours = Your passkeys
passkeys-none = You have none yet.
passkeys-made = Added { $at }
passkeys-used = last used { $at }
passkeys-unused = never used
passkeys-synced = may be on several of your devices
passkeys-one-device = on one device only
passkeys-remove = Remove
passkeys-remove-label = Remove the passkey that was added { $at }
passkeys-add-heading = Add a passkey
passkeys-add = Add a passkey
passkeys-add-hint = Only on a device that is yours alone: whoever can unlock it can open your messages.
passkeys-full = You have as many as there may be. Remove one that you do not need.
passkeys-login-first = Your bank must have asked for your login within the last ten minutes, so that nobody else adds one in your name.
passkeys-login = Sign in at my bank again
passkeys-not-here = There are no passkeys at this address of the gateway: they need HTTPS and a name.
passkeys-done-added = The passkey was added. Next time choose “Open with a passkey”.
passkeys-done-removed = The passkey was removed and opens nothing any more. Delete it on your device, too.
passkey-make-heading = Add a passkey on this device
passkey-make-lead = Your device asks where to keep it, and for your face, your finger or its code.
passkey-make-go = Make the passkey
passkey-make-failed = No passkey was made. It was cancelled, or this device has one already. You can try again.
passkey-make-back = Back without a passkey

accounts-ends = Ends:
accounts-for = For:
accounts-heading = Your accounts at { $bank }
accounts-incomplete = Some accounts or balances could not be read just now.
accounts-lead = Read from your bank just now, for your eyes only. Messenger does not see this page.
accounts-link = Link { $count }
accounts-linked = Linked:
accounts-same = The same accounts as above.
accounts-unread = The accounts of this link could not be read just now.

## Consent

title-renew = Renew
renew-heading = May it go on with { $bank }?
renew-lead = The same as before. Your bank asks you once more, and choosing fewer accounts there is fine.
renew-length =
    { $count ->
        [one] For one day from the renewal. Then it ends by itself.
       *[other] For { $count } days from the renewal. Then it ends by itself.
    }

renew-go = Renew at { $bank }
renew-not = If you do not want it to go on, close this page: it ends by itself.
privacy-renew = Renew
privacy-done-renewed = Renewed. What you allowed goes on as before.

consent-heading = What may { $bank } share with Messenger?
consent-lead = Nothing is ticked in advance. Tick what you want and leave the rest, and you can take everything back at any time.
consent-purposes = What it is for
consent-purposes-hint = Each of these stands alone.
consent-form = How much may Messenger see?
consent-accounts = Which accounts
consent-accounts-hint = They apply to all that you ticked above.
consent-days = For how long
consent-days-bank =
    { $count ->
        [one] { $bank } lets it be for one day at most. Before that ends you can renew it.
       *[other] { $bank } lets it be for { $count } days at most. Before they end you can renew it.
    }
consent-days-hint = It ends by itself. We never renew it without asking you.
consent-days-option =
    { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
consent-history =
    { $count ->
        [one] When you ask about your payments, your bank is asked for at most the last day.
       *[other] When you ask about your payments, your bank is asked for at most the last { $count } days.
    }
consent-days-year = 365 days (one year, the longest)
consent-sees = What Messenger will see
consent-sees-one = The messages in your chat, in the form that you choose here.
consent-sees-two = That this chat is linked with { $bank }.
consent-sees-three = Meta runs Messenger and can read what appears in the chat.
consent-not = What Messenger will never get
consent-not-one = Your password, or your full account number.
consent-not-two = Anything that you did not tick.
consent-not-three = Anything after you stop or the time is over.
consent-use = { $bank } does not give your data to Messenger for advertising, profiling or sale. Such a purpose cannot be chosen here, by anyone.
consent-certify = { $bank } certifies that it keeps to this: it reads only what is needed for what you ticked, uses it for nothing else, protects it, passes it on to nobody but this chat, deletes it soon after what you allowed has ended, and stops when you say so.
consent-aggregator = { $bank } is not asked directly but through { $aggregator }, a data aggregator: it fetches what you allow here and hands it to { $bank }’s service in this chat. It certifies that it keeps to the same limits.
consent-allow = Allow
consent-refuse = Don’t allow
consent-refuse-hint = If you don’t allow, nothing is shared, and we give the access back to your bank.
consent-none-offered = { $bank } does not let Messenger carry anything at the moment, so there is nothing to allow.
consent-errors = Please look at this again
consent-error-purpose = Tick at least one purpose, or choose “Don’t allow”.
consent-error-account = Tick at least one account.
consent-error-days = Choose for how long.
consent-error-form = Choose how much Messenger may see for each purpose.
consent-error-changed = What your bank offers has changed while this page was open. Please read it again and choose.

form-notice = Only a notice
form-summary = Amounts, without names
form-detail = All the details
form-short-notice = notice only
form-short-summary = amounts, without names
form-short-detail = all the details

purpose-BalanceOnRequest = My balance when I ask
purpose-BalanceUpdate = News when my balance changes
purpose-TransactionUpdate = My payments and deposits
purpose-ReceiptUpdate = Receipts for what I bought
purpose-DeliveryUpdate = News about my deliveries
purpose-SecurityAlert = Warnings of possible fraud
purpose-CustomerService = Help from the bank’s staff
purpose-BankOffer = The bank’s own offers
purpose-PersonToPersonTransfer = Sending money to people
why-BalanceOnRequest = To answer when you ask for your balance, we need to read: { $data }.
why-BalanceUpdate = To tell you when your balance changes, we need to read: { $data }.
why-TransactionUpdate = To tell you when money moves, and to answer what you spent, we need to read: { $data }.
why-ReceiptUpdate = To show you what you bought, we need to read: { $data }.
why-DeliveryUpdate = To tell you when your order arrives, we need to read: { $data }.
why-SecurityAlert = To warn you of a payment that may not be yours, we need to read: { $data }.
why-CustomerService = So that a person at your bank can help you, we need to read: { $data }.
why-BankOffer = To show you offers of your own bank, we need to read: { $data }.
why-PersonToPersonTransfer = To send money when you ask for it, we need to read: { $data }.

example = In the chat:
example-BalanceOnRequest-notice = The answer is on your own page: open it and sign in at your bank.
example-BalanceOnRequest-summary = { $balance } available
example-BalanceOnRequest-detail = { $account }: { $balance } available · { $booked } booked
example-BalanceUpdate-notice = There is news about your account.
example-BalanceUpdate-summary = Your balance has changed: { $balance }
example-BalanceUpdate-detail = Your balance has changed. { $account }: { $balance }
example-TransactionUpdate-notice = There is news about your account.
example-TransactionUpdate-summary = You paid { $paid }.
example-TransactionUpdate-detail = You paid { $paid } at { $shop }.
example-account = Everyday Checking
example-shop = Blue Bottle Coffee

cluster-ACCOUNT_BASIC = Account identifying information
cluster-BALANCES = Account balances
cluster-TRANSACTIONS = Transaction data
cluster-TRANSFERS = Transfers
cluster-ORDERS = What you ordered
cluster-DELIVERIES = Where your delivery is


## Done

done-heading = Your bank is linked
done-lead = What you allowed is recorded. You can close this page and go back to your chat.
done-privacy = See my privacy page
done-stop = You can stop at any time: write “stop” in the chat, or use your privacy page.

## Privacy page

privacy-heading = What { $bank } shared with Messenger
privacy-lead = Every message that carried something of yours, word for word, and everything you allowed. Of what people of the bank write to you themselves it says that they did, not what. Only you see this page.
privacy-allowed = What you allow now
privacy-allowed-none = You allow nothing at the moment. Nothing of yours goes to Messenger.
privacy-allowed-again = If you want to, you can link your bank again from the chat.
privacy-given = Given { $at }
privacy-until = Ends by itself on { $at }
privacy-paused-switch = Nothing of this is told at the moment: sharing is switched off for safety.
privacy-paused-agreement = Nothing of this is told at the moment: your bank does not let Messenger carry it.
privacy-paused-unreadable = Nothing of this is told at the moment: what your bank has set could not be read.
privacy-paused-purpose = Not told at the moment: your bank does not let Messenger carry it.
privacy-less = Told at the moment: { $form }. Your bank does not let Messenger carry more.
privacy-paused-purpose-switch = Not told at the moment: this kind of sharing is switched off for safety.
privacy-from = From
privacy-through = Through
privacy-to = To
privacy-platform = Messenger (Meta), in your own chat
privacy-last = Last told
privacy-last-never = Nothing yet
privacy-last-not-lately = Not among your newest receipts
privacy-accounts =
    { $count ->
        [one] one account
       *[other] { $count } accounts
    }
privacy-consent-save = Save this consent as a document
privacy-consent-save-label = Save this consent as a document, given { $at }
privacy-stop-one = Stop
privacy-stop-one-label = Stop sharing: { $purpose }
privacy-stop-all = Stop sharing everything
privacy-stop-hint = In every chat, from the next message on. Your bank is told, too.
privacy-ended = Earlier consents
privacy-ended-expired = Ended by itself on { $at }
privacy-ended-withdrawn = Taken back by you { $at }
privacy-ended-replaced = Taken back in part by you { $at }; the rest goes on in another consent
privacy-ended-renewed = Given anew by you { $at }; the newer consent holds
privacy-ended-unconfirmed = Ended { $at }, because the chat was not confirmed
privacy-ended-at-bank = Ended or narrowed at your bank, noticed { $at }
privacy-ended-unsaid = Ended { $at }
privacy-done-all = Stopped. Your consent is taken back, and none of your data will be sent any more.
privacy-done-one = Stopped. What you took back will not be sent again; the rest goes on as before.
privacy-timeline = What happened
privacy-timeline-hint = Newest first, times in UTC. Numbers that are not here are receipts of what became of a message.
privacy-timeline-none = Nothing was shared so far.
privacy-timeline-none-hint = As soon as a message carries something of yours, it is listed here.
privacy-older = Older entries
privacy-newest = Back to the newest
privacy-today = Today, { $date }
privacy-yesterday = Yesterday, { $date }
privacy-filter = Show
privacy-filter-purpose = Purpose
privacy-filter-kind = What
privacy-filter-period = When
privacy-filter-all-purposes = Every purpose
privacy-filter-all-kinds = Everything
privacy-filter-told = What Messenger was told
privacy-filter-refused = What it was not told
privacy-filter-consents = What I allowed and took back
privacy-filter-looks = Looks at my data
privacy-filter-others = What others wrote in my chat
privacy-filter-always = Any time
privacy-filter-days =
    { $count ->
        [one] The last day
       *[other] The last { $count } days
    }
privacy-filter-go = Show
privacy-filter-clear = Show everything
privacy-filter-none = Nothing matches.
privacy-filter-none-hint = Nothing of this kind happened in this time.
privacy-proof = Your proof
privacy-proof-text = Each line below is a receipt in a public log that nobody can change unseen, your bank included. You do not have to believe this: check it.
privacy-proof-verify = Verify this yourself
privacy-proof-save = Save my proof
privacy-proof-key = Show my key
privacy-proof-key-hint = One key tells which entries of the log are yours. It is in the saved file, too.
privacy-proof-key-label = The key to your receipts
privacy-proof-key-text = Who has it and your receipts can see in the log that they are yours. Nobody can change or send anything with it.
privacy-proof-key-hide = Hide it again
privacy-totals = In numbers
privacy-totals-told =
    { $count ->
        [0] Messenger was told nothing
        [one] Messenger was told once
       *[other] Messenger was told { $count } times
    }
privacy-totals-refused =
    { $count ->
        [one] one refusal
       *[other] { $count } refusals
    }
privacy-totals-open =
    { $count ->
        [one] one message on its way
       *[other] { $count } messages on their way
    }
privacy-totals-unknown =
    { $count ->
        [one] of one message it is not known
       *[other] of { $count } messages it is not known
    }
privacy-totals-some = Counted back to receipt { $number }.
privacy-totals-link = Show: { $purpose }
privacy-accounts-now = My accounts as they are now
privacy-rights = Everything about you
privacy-export = Take it all with you
privacy-export-hint = One file with everything that is kept here about you: what you allowed, what was said, and the receipt of each.
privacy-erase = Erase everything about me …
privacy-erase-hint = You are asked once more before anything happens.
title-erase = Erase everything
erase-heading = Erase everything about you?
erase-lead = Nobody can undo this.
erase-stops = Every consent is taken back and every chat is unlinked. Your bank is told.
erase-keys = The keys to all that is kept about you are destroyed. Backups cannot bring it back.
erase-log = The public log keeps its entries, and from then on nobody can tie them to you. To check it later, take your proof with you first.
erase-platform = What was already said in the chat is with the platform. You can delete it there.
erase-first = You may want a copy before that:
erase-go = Erase everything
erase-back = No, keep it
erased-heading = Everything is erased
erased-text = The keys are destroyed: nothing that was kept about you can be read any more.
erased-log = The public log keeps its entries. Nobody can tie them to you any more.
erased-again = You can link your bank again from the chat whenever you like. It is a new beginning.
privacy-leave = Sign out
privacy-left = You are signed out.
entry-disclosure = Messenger was told:
entry-disclosure-unread = Messenger was told something whose words cannot be shown any more.
entry-maybe-unread = Messenger may have been told something whose words cannot be shown any more.
entry-planned-unread = Something was meant for Messenger whose words cannot be shown any more.
entry-maybe = Messenger may have been told:
entry-planned = Meant for Messenger:
entry-denial = Messenger was not told
entry-consent = You gave your consent
entry-consent-renewed = You gave your consent anew
entry-consent-rest = Your consent goes on for what you did not take back
entry-consent-narrowed = Your consent goes on for what your bank still shares
entry-ended = A consent ended
entry-ended-withdrawn = You took your consent back
entry-ended-replaced = You took a part of your consent back
entry-ended-renewed = Your earlier consent ended, because you gave it anew
entry-ended-expired = Your consent ended by itself: its time was over
entry-ended-unconfirmed = Your consent ended, because the chat was not confirmed
entry-ended-at-bank = Your consent ended or was narrowed at your bank
entry-erasure = Your data was erased
entry-deleted = What was kept for a consent that has ended was deleted
entry-deleted-messages =
    { $count ->
        [one] one message
       *[other] { $count } messages
    }
entry-deleted-books =
    { $count ->
        [one] one record of what had been told
       *[other] { $count } records of what had been told
    }
entry-view = You looked at your accounts
entry-view-agent = Somebody at your bank looked at your data
entry-view-export = You took everything about you with you
entry-view-page = You opened a message that Messenger was not told
entry-view-passkey-added = A passkey was added
entry-view-passkey-removed = A passkey was removed
entry-view-bundle = You fetched your proof
entry-stranger = A message in your chat that we did not send
entry-stranger-note = It came in this chat’s name, and is none of the messages on this record. Whoever looks after this service was alerted. If it asked you for anything, do not do it.
entry-allowed-app = Somebody wrote to you in the chat by hand
entry-allowed-app-note = It came from an app that may write here, such as the inbox where people answer. What it said is not kept here.
entry-agent-wrote = A person of the bank wrote to you through this service
entry-agent-wrote-note = In their own words, for your chat: your consent is not asked for these. What they said is not on this record; whether Messenger took it is.
entry-alarm-closed = A message that we did not send was looked into
entry-app = App
entry-receipt = Receipt { $number }
entry-purpose = It was for
entry-consent-for = For
entry-chat = Chat
entry-chat-one = Your chat in Messenger
entry-chat-linked = Linked { $at }
entry-chat-ended = Linked { $at }, not any more
entry-agent = Who
entry-data = Data
entry-form = Messenger saw
because-BalanceOnRequest = because you asked for your balance
because-BalanceUpdate = because you asked for news when your balance changes
because-TransactionUpdate = because you asked for your payments and deposits
because-ReceiptUpdate = because you asked for receipts of what you buy
because-DeliveryUpdate = because you asked for news of your deliveries
because-SecurityAlert = because you asked to be warned of possible fraud
because-CustomerService = because you asked your bank’s staff for help
because-BankOffer = because you asked for your bank’s own offers
because-PersonToPersonTransfer = because you asked to send money
state-pending = Waiting to be sent
state-sending = Being sent
state-unconfirmed = Sent, not confirmed yet
state-held = Waits until you write in the chat
state-sent = Taken by Messenger
state-dead = Could not be sent
state-unknown = It is not known whether Messenger has it
state-denied = Stopped before it left
denial-killed = Sharing was switched off for safety.
denial-purpose-killed = This kind of sharing was switched off for safety.
denial-agreement = Your bank does not let Messenger carry this.
denial-no-consent = You had not allowed it.
denial-consent-revoked = You had taken your consent back.
denial-consent-expired = The time of your consent was over.
denial-purpose = You had not allowed this purpose.
denial-account = You had not allowed this account.
denial-cluster = You had not allowed this kind of data.
denial-recipient = It was not certain that the chat is yours.
denial-policy = Your bank’s own rules did not allow it.
denial-late = It had waited too long.
denial-other = Something was not in order, so it stayed at the bank.

## Verify it yourself

verify-heading = Verify it yourself
verify-lead = This page checks your receipts against the public log. Your own browser does the arithmetic; nothing is sent anywhere.
verify-noscript = To check, this page needs a program, and your browser does not run any. All our other pages work without. You can also take your proof with you and check it with a program of your own choice.
verify-idle-heading = Do not take our word for it
verify-idle = It takes a moment. You need to be signed in to your privacy page.
verify-busy-heading = Checking …
verify-busy = With many receipts this takes a few seconds.
verify-good-heading = It all fits
verify-good = Every receipt under your key is in the log as you see it, none is missing, and nothing was changed.
verify-bad-heading = Something does not fit
verify-bad = What failed is marked below. Keep the file, and ask your bank to explain it, or whoever supervises your bank.
verify-another-heading = This is not the key that this browser knows
verify-another = Everything in this proof fits, but it is under another key than the one that was checked here before. That is right if somebody else has checked theirs in this browser, or if you had everything erased and began again. If neither is so, your history was begun anew, and what was before is kept from you: keep your earlier file, and ask your bank, or whoever supervises it.
verify-another-accept = I know why: remember this key, too
verify-part-heading = A part is missing
verify-part = So far all fits, but your proof has more parts, and without them nothing is said of its end. Save the next one, and choose all files together.
verify-part-next = Save the next part
verify-stranger-heading = You are not signed in
verify-stranger = Your proof is yours alone, so sign in to your privacy page first. A saved file can be checked without.
verify-offline-heading = Your proof could not be fetched
verify-offline = This says nothing about your receipts. Please try again in a minute.
verify-nofile-heading = Choose a file first
verify-nofile = It is the file that you saved as your proof.
verify-unsupported-heading = This browser cannot check it
verify-unsupported = It does not know the kind of signature that the log bears (Ed25519). This says nothing about your receipts. A current Chrome, Edge, Firefox or Safari can do it, and so can the program for the command line.
verify-mine = Check my receipts
verify-sign-in = To my privacy page
verify-empty = There is no receipt in it, and the whole log holds none of yours. If you had receipts before, something is wrong.
verify-rules = What was checked
verify-open = Not looked at any more, because something before it failed.
verify-detail = For those who want it exactly
verify-found = What was found
verify-found-receipts = Your receipts
verify-found-from = The first
verify-found-to = The last
verify-found-log = Log
verify-found-size = Entries in the log, of everybody
verify-found-witnesses = Witnesses
verify-kind-disclosure = of what was released
verify-kind-outcome = of what became of it
verify-kind-denial = of what was refused
verify-kind-consent = of consents
verify-kind-revocation = of consents that ended
verify-kind-view = of looks at your data
verify-kind-erasure = of erasure
verify-kind-sighting = of other messages in your chat, and what was found out about them
verify-kind-other = of another kind
verify-file = A file that you saved
verify-file-hint = It is read in your browser and goes nowhere. It holds the key to your receipts, so keep it to yourself.
verify-file-choose = Your proof
verify-file-go = Check this file
verify-careful = For the careful
verify-vkey = The log’s key
verify-vkey-hint = As your bank publishes it, in print perhaps. Then only this log will do.
verify-policy = A policy file
verify-policy-hint = It names witnesses whom you trust, and how many of them must have seen the same log.
verify-memory = What this browser remembers
verify-memory-text = The state of the log when you last checked, and how many receipts you had. The next check must continue it. Nobody else learns of it.
verify-memory-at = Checked
verify-memory-none = Nothing yet. After the first check it remembers the state of the log, so that the next one notices if the past was changed.
verify-forget = Forget it
verify-meaning = What it means
verify-proves = What this proves
verify-proves-one = Your receipts are what was written when it happened. Nobody changed them, not even your bank.
verify-proves-two = None of those under your key was left out: not at the beginning, not in the middle, not at the end.
verify-proves-three = The log only grows: what you saw at your last check is all still there.
verify-proves-not = What it does not prove
verify-proves-not-one = That nothing left by another way. Other checks are for that: messages in the chat are held against the receipts.
verify-proves-not-two = That everybody is shown the same log. For that, independent witnesses must have signed it.
verify-proves-not-three = That this page is honest: it comes from us. If you want to be sure, check the saved file with a program from elsewhere.
verify-proves-not-four = That you have always had this key. If your history was begun anew under another one, only a browser that checked before can tell, or a file that you saved.
verify-program = The program
verify-program-text = One file that a curious person can read, with nothing else in it. The same file stands in the public source code.
verify-program-read = Read it
verify-program-hash = Its SHA-256:
rule-good = fits
rule-bad = does not fit
rule-skip = nothing to compare
rule-open = not checked
rule-format = The file is whole
rule-format-good = It has the shape that it must have, and every number in it makes sense.
rule-format-bad = It is damaged, or it is not a proof at all.
rule-key = It comes from the log that you know
rule-key-good = The log’s key is the one that you know from before.
rule-key-bad = The log’s key is another one than you know. A bank can move its log, but it should have told you.
rule-key-skip = There was no key to compare with. After the first check in this browser there is.
rule-signature = The log stands by it
rule-signature-good = This state of the log is signed, so that nobody can deny it later.
rule-signature-bad = The signature is not good. Somebody changed the file, or it was never signed.
rule-witness = Others saw the same
rule-witness-good = Enough of your witnesses have signed this very state of the log.
rule-witness-bad = Too few of your witnesses have signed it. Perhaps you are shown another log than they are.
rule-witness-skip = No witnesses were asked for. With a policy file they are.
rule-consistency = The past is still the same
rule-consistency-good = Everything that was in the log at your last check is still there, in the same order.
rule-consistency-bad = The past was changed since your last check, or this is an old state of the log. That must never be.
rule-consistency-skip = There is no earlier check to compare with. Next time there is.
rule-index = Each part has its index
rule-index-good = Each part of the log carries an index of all receipts in it.
rule-index-bad = An index does not belong to the log.
rule-freshness = No part of the log is left out
rule-freshness-good = The proof goes from the beginning of the log to its very end.
rule-freshness-bad = A part of the log is left out, so a receipt could hide in it.
rule-chain = Your receipts have no gap
rule-chain-good = They are numbered 1, 2, 3 and on, and each holds the fingerprint of the one before.
rule-chain-bad = A receipt is missing, is there twice, or stands in the wrong place.
rule-inclusion = Each one is in the log
rule-inclusion-good = Each receipt is in the public log exactly as you hold it, to the letter.
rule-inclusion-bad = A receipt is not what was written into the log. It was changed, or made up.
rule-absence = There is no further one
rule-absence-good = The log holds no further receipt of yours.
rule-absence-bad = The log holds a further receipt of yours that was not given to you, or it cannot be ruled out.
rule-memory = You are the same, and nothing that you had is gone
rule-memory-good = It is under the same key as at your last check, and the receipts that you had then are all here again.
rule-memory-bad = Receipts that you had at your last check are missing now, or are others; or this is not the part of your proof that follows.
rule-memory-skip = There is no earlier check of these receipts in this browser.

## When something does not work

error-again = Go back to the chat and ask for a new link.
error-over-heading = This link is used or over
error-over = Links work once and for ten minutes. If you already chose “Allow” or “Don’t allow”, your choice was recorded once, and all is well.
error-foreign-heading = This address is not Messenger’s
error-foreign = Somebody asked us to send you on to a place that does not belong to Messenger. We did not. Nothing was shared.
error-institution-heading = This bank is not offered here
error-institution = The bank that was chosen cannot be linked in this chat.
error-declined-heading = Nothing was linked
error-declined = You said no, and nothing was shared. You can come back whenever you like.
error-bank-heading = The bank does not answer
error-bank = We could not reach your bank, or its answer was not right. Nothing was shared. Please try again in a few minutes.
error-stopped-heading = Stopped for now
error-stopped = The bank, or whoever runs this service, has stopped everything here for now. Please look in your bank’s own app, or try again later.
error-not-linked-heading = Nothing is linked
error-not-linked = No chat is linked for the person who signed in, so there is nothing to show.
error-no-accounts-heading = No account was shared
error-no-accounts = At your bank’s page no account was chosen, so there is nothing to link. Please choose at least one.
error-platform-heading = Messenger did not confirm the chat
error-platform = The link from Messenger is over, or Messenger does not answer. Nothing was shared.
error-consent-heading = This consent cannot be recorded
error-consent = What was sent is not a choice that this page offers. Nothing was recorded.
error-in-app-heading = Open this page in your browser
error-in-app = This page shows what only you should see, and the app in which you opened it could read along. So it is not shown here.
error-in-app-how = Choose “Open in browser” in the menu of this window, or type this address in your browser: { $address }
error-in-app-link = Linking goes on in your own browser, since the app in which you opened this page could read along.
error-page-over-heading = This message cannot be opened any more
error-page-over = Each is shown once, within seven days, and while you allow it. Your privacy page says when it was opened.
error-page-another-heading = This message is for somebody else
error-page-another = Whoever is signed in here is not the person it was written for. Nothing was shown, and the message can still be opened.
error-page-late-heading = That took too long
error-page-late = There are five minutes for each step. The message was not opened yet: tap the button in the chat again.
error-page-passkey-heading = This passkey does not open the message
error-page-passkey = It belongs to somebody else, was removed, or did not prove that it is yours. Nothing was shown, and the message can still be opened: tap the button in the chat again, and use your bank’s login.
error-passkey-heading = The passkey was not added
error-passkey = What your browser brought is no new passkey for this site. Nothing was changed. Go back to your passkeys and try again.
error-foreign-post-heading = This did not come from our page
error-foreign-post = The form was sent from another site, so we did nothing.
error-too-large-heading = That is too much
error-too-large = What was sent is larger than this page takes. Nothing was done.
error-not-found-heading = There is no such page
error-not-found = The address is wrong, or the page is gone.
error-method-heading = That cannot be done here
error-method = This address does not take this kind of request.
error-busy-heading = One moment, please
error-busy = We cannot record anything right now. Nothing was lost; please try again in a minute.
error-internal-heading = Something went wrong on our side
error-internal = Nothing was shared. Please try again; if it happens again, tell your bank.
error-home = To the first page

## What Messenger asked for in a person's name

deletion-heading = Your data
deletion-waiting = Messenger has told us that you want your data deleted. This is being done.
deletion-done = Messenger has told us that you want your data deleted. It is done. For each chat that was linked with a bank, the keys to everything that was kept are destroyed, your consents are taken back, and your bank has been told. Of every chat, linked or not, the texts, the links that we sent and what we remembered of it are deleted. For some weeks there remain only marks without words, by which we notice a message that is delivered twice; they lie under a name that we cannot read back.
deletion-untold = Messenger has told us that you want your data deleted, but it has not told us which chat is yours, so we could not delete everything. The people who run this service have been told. You can do it yourself, at once: write “delete my data” in the chat.
deletion-nobody = Messenger has told us that you want your data deleted. Under the name by which Messenger calls you there, we keep nothing.
deauthorised-heading = Your connection
deauthorised-waiting = Messenger has told us that you took our access back. This is being done.
deauthorised-done = Messenger has told us that you took our access back. It is done: your consents have ended, and none of your data is sent to your chats any more.
deauthorised-nobody = Messenger has told us that you took our access back. Under the name by which Messenger calls you there, we keep nothing.
deletion-chat = A chat with us is known by a name of its own. If you wrote to us, you can have everything deleted there: write “delete my data”. If a bank is linked, you can also sign in with it on the page “My privacy”.
deauthorised-untold = Messenger has told us that you took our access back, but it has not told us which chat is yours, so we could not end everything. The people who run this service have been told. You can do it yourself, at once: write “stop” in the chat.
deletion-privacy = My privacy
error-deletion-heading = We do not know this code
error-deletion = Please check the address: it is the one that Messenger gave you.
