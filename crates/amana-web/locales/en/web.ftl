### The gateway's own pages, in English. Calm, plain, exact. Arguments are isolated by Fluent: never write U+2068 here.
### The consent page's texts are part of the notice whose hash stands in each consent.

## Frame

brand = Amana
skip = Skip to the page
language-other = العربية
language-switch = Change the language to Arabic
foot-promise = Nothing leaves your bank without your consent, and you can see everything that did.
foot-privacy = My privacy page
title-home = Your bank in your chat
title-link = Link your bank
title-consent = Choose what may be shared
title-done = Linked
title-privacy = My privacy
title-enter = Sign in to your own page
title-accounts = My accounts now

## First page

home-heading = Your bank in your chat, on your terms
home-lead = Amana brings your balance and your payments into Messenger. Your bank runs it, and each thing it shows needs your consent.
home-one = You decide
home-one-text = Each purpose has its own tick, its own accounts and its own end. Nothing is ticked for you.
home-two = You see all of it
home-two-text = Your privacy page lists every message that carried something of yours: when, why, and word for word.
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
enter-heading = Sign in at your bank
enter-lead = This page shows what is yours alone, so your bank asks who you are first.
enter-button = Sign in with { $bank }
enter-why = There is no password of ours, and no secret in the link. Your bank says who you are, and you see what is yours.

## What a notice did not say

accounts-heading = Your accounts at { $bank }
accounts-lead = Read from your bank just now, for your eyes only. Messenger does not see this page.
accounts-owed = You owe
accounts-booked = Booked
accounts-available = Available
accounts-latest = Latest transactions
accounts-quiet = Nothing moved in the last 30 days.
accounts-when = When
accounts-what = What
accounts-amount = Amount
accounts-pending = pending

## Consent

consent-heading = What may { $bank } share with Messenger?
consent-lead = Nothing is ticked in advance. Tick what you want and leave the rest, and you can take everything back at any time.
consent-purposes = What it is for
consent-purposes-hint = Each of these stands alone.
consent-data = We need:
consent-form = How much may Messenger see?
consent-accounts = Which accounts
consent-accounts-hint = They apply to all that you ticked above.
consent-accounts-none = Your bank shared no account.
consent-days = For how long
consent-days-hint = It ends by itself. We never renew it without asking you.
consent-days-option =
    { $count ->
        [one] { $count } day
       *[other] { $count } days
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
why-BalanceOnRequest = To answer when you ask for your balance
why-BalanceUpdate = To tell you when your balance changes
why-TransactionUpdate = To tell you when money moves, and to answer what you spent
why-ReceiptUpdate = To show you what you bought
why-DeliveryUpdate = To tell you when your order arrives
why-SecurityAlert = To warn you of a payment that may not be yours
why-CustomerService = So that a person at your bank can help you
why-BankOffer = To show you offers of your own bank
why-PersonToPersonTransfer = To send money when you ask for it

example = In the chat:
example-BalanceOnRequest-notice = Your accounts are on your own page: open it and sign in at your bank.
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

kind-checking = Checking
kind-savings = Savings
kind-credit-card = Credit card
kind-loan = Loan
kind-other = Account

## Done

done-heading = Your bank is linked
done-lead = What you allowed is recorded. You can close this page and go back to your chat.
done-privacy = See my privacy page
done-stop = You can stop at any time: write “stop” in the chat, or use your privacy page.

## Privacy page

privacy-heading = What { $bank } shared with Messenger
privacy-lead = Every message that carried something of yours, word for word, and everything you allowed. Only you see this page.
privacy-allowed = What you allow now
privacy-allowed-none = You allow nothing at the moment. Nothing of yours goes to Messenger.
privacy-allowed-again = If you want to, you can link your bank again from the chat.
privacy-given = Given { $at }
privacy-until = Ends by itself on { $at }
privacy-accounts =
    { $count ->
        [one] one account
       *[other] { $count } accounts
    }
privacy-stop-one = Stop
privacy-stop-one-label = Stop sharing: { $purpose }
privacy-stop-all = Stop sharing everything
privacy-stop-hint = It holds from the next message. Your bank is told, too.
privacy-ended = Earlier consents
privacy-ended-expired = Ended by itself on { $at }
privacy-ended-revoked = Taken back { $at }
privacy-done-all = Stopped. Your consent is taken back, and nothing more will be sent.
privacy-done-one = Stopped. What you took back will not be sent again; the rest goes on as before.
privacy-timeline = What happened
privacy-timeline-hint = Newest first, times in UTC. The receipt numbers in between record what became of each message.
privacy-timeline-none = Nothing was shared so far.
privacy-timeline-none-hint = As soon as a message carries something of yours, it is listed here.
privacy-older = Older entries
privacy-accounts-now = My accounts as they are now
privacy-leave = Sign out
privacy-left = You are signed out.
entry-disclosure = Messenger was told:
entry-disclosure-unread = Messenger was told something whose words cannot be shown any more.
entry-planned = Meant for Messenger:
entry-denial = Not sent
entry-consent = You gave your consent
entry-revocation = You took your consent back
entry-erasure = Your data was erased
entry-view = Your data was looked at
entry-receipt = Receipt { $number }
entry-because = Why
entry-data = Data
entry-form = Messenger saw
because-BalanceOnRequest = You asked for your balance
because-BalanceUpdate = Your balance changed
because-TransactionUpdate = Money moved, or you asked about it
because-ReceiptUpdate = You bought something
because-DeliveryUpdate = An order is on its way
because-SecurityAlert = A payment looked unusual
because-CustomerService = You asked for help
because-BankOffer = You allowed offers
because-PersonToPersonTransfer = You sent money
state-pending = Waiting to be sent
state-sending = Being sent
state-unconfirmed = Sent, not confirmed yet
state-held = Waits until you write in the chat
state-sent = Delivered
state-dead = Could not be sent
state-denied = Stopped before it left
denial-killed = Sharing was switched off for safety.
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
error-not-linked-heading = Nothing is linked
error-not-linked = No chat is linked for the person who signed in, so there is nothing to show.
error-no-accounts-heading = No account was shared
error-no-accounts = At your bank’s page no account was chosen, so there is nothing to link. Please choose at least one.
error-platform-heading = Messenger did not confirm the chat
error-platform = The link from Messenger is over, or Messenger does not answer. Nothing was shared.
error-consent-heading = This consent cannot be recorded
error-consent = What was sent is not a choice that this page offers. Nothing was recorded.
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
