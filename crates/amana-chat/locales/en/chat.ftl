### What Amana says in a chat, in English. Short, warm, plain. Arguments are isolated by Fluent: never write U+2068 here.
### Titles of buttons and quick replies: at most 20 characters; of the menu: 30; the profile's greeting: 160.

## Dates

month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
date-day = { $month } { $day }
date-day-year = { $month } { $day }, { $year }

## Periods, as the end of a sentence: "You spent … last month (…)"

period-today = today
period-yesterday = yesterday
period-this-week = this week (since { $from })
period-last-week = last week ({ $from } – { $to })
period-this-month = this month (since { $from })
period-last-month = last month ({ $from } – { $to })
period-this-year = this year (since { $from })
period-last-year = last year ({ $from } – { $to })
period-month = in { $month } { $year }
period-year = in { $year }
period-days =
    { $count ->
        [one] in the last day
       *[other] in the last { $count } days
    }
period-since = since { $from }
period-day = on { $from }
period-range = from { $from } to { $to }

## Accounts and amounts

list-and = and
account = Your account
kind-checking = Checking
kind-savings = Savings
kind-credit-card = Credit card
kind-loan = Loan
kind-other = Account
amount-owed-available = You owe { $owed } · { $available } left to spend
amount-owed = You owe { $owed }
amount-available-current = { $available } available · { $current } booked
amount-available = { $available } available
amount-current = { $current }
amount-unknown = The bank gave no balance

## A question whose answer this chat may not show

answer-notice = Your accounts at { $bank } are on your own page: tap “{ $button }” and sign in at your bank.
answer-notice-no-page = I may not show that in this chat. Please look in the app of { $bank }.

## Balances

balances-intro =
    { $count ->
        [one] Here is your balance at { $bank }:
       *[other] Here are your balances at { $bank }:
    }
balances-other-kind = I found no account of that kind at { $bank }. Here is what you have:
balances-none = { $bank } shows no account that you allowed me to read here.
balances-incomplete = Some of the accounts that you allowed could not be read from { $bank } just now.
balances-as-of = As of { $at }.
more-on-page = There are more than fit here.

## Transactions

transactions-intro =
    { $count ->
        [one] Your latest transaction at { $bank }:
       *[other] Your latest { $count } transactions at { $bank }:
    }
transactions-intro-shop =
    { $count ->
        [one] Your latest transaction at { $merchant }:
       *[other] Your latest { $count } transactions at { $merchant }:
    }
transactions-intro-period =
    { $count ->
        [one] One transaction { $period }:
       *[other] The latest { $count } transactions { $period }:
    }
transactions-intro-shop-period =
    { $count ->
        [one] One transaction at { $merchant } { $period }:
       *[other] The latest { $count } transactions at { $merchant } { $period }:
    }
transactions-none = { $bank } shows no transactions yet.
transactions-none-shop = I found no transactions at { $merchant }.
transactions-none-period = I found no transactions { $period }.
transactions-none-shop-period = I found no transactions at { $merchant } { $period }.
truncated-list = I could not read all of your history, so some transactions may be missing.
row-posted = { $amount } · { $day }
row-pending = { $amount } · { $day } · pending
row-reversed = { $amount } · { $day } · reversed
move-out = Money out
move-in = Money in
move-memo = Note
move-reversed = Reversed

## Spending

spending-all =
    { $count ->
        [0] You spent { $amount } { $period }.
        [one] You spent { $amount } { $period }, in one payment.
       *[other] You spent { $amount } { $period }, in { $count } payments.
    }
spending-shop =
    { $count ->
        [0] You spent { $amount } at { $merchant } { $period }.
        [one] You spent { $amount } at { $merchant } { $period }, in one payment.
       *[other] You spent { $amount } at { $merchant } { $period }, in { $count } payments.
    }
spending-matching =
    { $count ->
        [0] You spent { $amount } there { $period }.
        [one] You spent { $amount } there { $period }, in one payment.
       *[other] You spent { $amount } there { $period }, in { $count } payments.
    }
spending-refunds =
    { $count ->
        [one] One refund of { $amount } is already taken off.
       *[other] { $count } refunds of { $amount } together are already taken off.
    }
spending-counted = Counted: { $names }
spending-none = I found no payments { $period }.
spending-none-shop = I found no payments at { $merchant } { $period }.
spending-none-matching = I found no payments there { $period }.
spending-own = Transfers between your own accounts and payments to your cards are not counted.
spending-truncated = I could not read all of your transactions for this time, so the true sum may be higher.

## Updates

update-notice = There is news about your account at { $bank }.
update-pending-out = You paid { $amount }. { $bank } shows it as pending.
update-pending-out-shop = You paid { $amount } at { $merchant }. { $bank } shows it as pending.
update-pending-in = { $amount } is on its way to you. { $bank } shows it as pending.
update-pending-in-shop = { $amount } from { $merchant } is on its way to you. { $bank } shows it as pending.
update-new-out = { $amount } left your account at { $bank }.
update-new-out-shop = You paid { $amount } at { $merchant }. { $bank } has booked it.
update-new-in = { $amount } arrived in your account at { $bank }.
update-new-in-shop = { $amount } from { $merchant } arrived in your account at { $bank }.
update-posted-out = Your payment of { $amount } is now booked at { $bank }.
update-posted-out-shop = Your payment of { $amount } at { $merchant } is now booked at { $bank }.
update-posted-in = { $amount } is now booked to your account at { $bank }.
update-posted-in-shop = { $amount } from { $merchant } is now booked to your account at { $bank }.
update-changed-out = The amount of a payment has changed. It is now { $amount }.
update-changed-out-shop = The amount of your payment at { $merchant } has changed. It is now { $amount }.
update-changed-in = The amount of a deposit has changed. It is now { $amount }.
update-changed-in-shop = The amount from { $merchant } has changed. It is now { $amount }.
update-reversed-payment = A payment of { $amount } was reversed. The money comes back to your account at { $bank }.
update-reversed-payment-shop = Your payment of { $amount } at { $merchant } was reversed. The money comes back to you.
update-reversed-deposit = A deposit of { $amount } was taken back out of your account at { $bank }.
update-reversed-deposit-shop = The deposit of { $amount } from { $merchant } was taken back out of your account.
update-memo = { $bank } added a note about { $amount } to your account. No money moved.
update-memo-shop = { $bank } added a note about { $amount } at { $merchant } to your account. No money moved.
update-note = The bank’s words: { $text }
update-account = Account: { $account }
update-balance =
    Your balance at { $bank } has changed.
    { $account }: { $amounts }
update-balance-card =
    { $account } at { $bank }: left to spend is now { $available }.
    You owe { $owed }.
update-balance-card-left = { $account } at { $bank }: left to spend is now { $available }.
update-balance-owed =
    What you owe at { $bank } has changed.
    { $account }: { $amounts }

## Meeting

welcome =
    Hello, and welcome! I am Amana, an automated assistant for { $bank }. I am a program, not a person.

    Once you link your bank, I can tell you your balance and what you spent, and let you know when money moves. Nothing leaves your bank unless you allowed it, and you can see and stop all of it at any time.
greeting = Hello again! What would you like to know?
help =
    You can ask me, in your own words:
    • How much do I have?
    • Show my last 5 transactions
    • How much did I spend at Blue Bottle last month?

    “My privacy” shows everything that was ever shared. “Stop” ends all of it. I am an automated assistant; for a person, write “talk to a person”.
not-understood = Sorry, I did not understand that. I can tell you your balance, your latest transactions, or what you spent at a shop.
unsupported-request = I cannot do that here: I only read, and nothing was done. I can tell you your balance, your latest transactions, or what you spent at a shop. To move money or change a card, please use your bank’s own app or call the bank.
unsupported-attachment = Thank you, but I can only read text. What would you like to know?
thanks = You are very welcome!
person = I am an automated assistant, and people of { $bank } do not read this chat yet. To reach a person, please call the number on your card or use the bank’s own app.

## Linking

link-ask = To begin, link your bank. You sign in on your bank’s own page, so I never see your password, and you choose what this chat may show. The link works once and only for you.
linked = Done! Your account at { $bank } is linked. You allowed:
linked-line = • { $purpose }: { $form }
linked-until = This ends by itself on { $until }. You can stop it sooner: just write “stop”.
ends-soon = What you allowed at { $bank } ends by itself on { $until }. If you want it to go on, log in again and choose anew. If not, there is nothing to do.
link-failed = Linking with { $bank } did not work, and nothing was shared. Please try again.
link-cancelled = All right, nothing was linked and nothing was shared. You can come back whenever you like.
relink = { $bank } asks you to sign in again. Until then I cannot read anything there.
purpose-BalanceOnRequest = your balance when you ask
purpose-BalanceUpdate = news when your balance changes
purpose-TransactionUpdate = your transactions
purpose-ReceiptUpdate = receipts for what you bought
purpose-DeliveryUpdate = news about your deliveries
purpose-SecurityAlert = warnings of possible fraud
purpose-CustomerService = help from the bank’s staff
purpose-BankOffer = the bank’s own offers
purpose-PersonToPersonTransfer = sending money to people
form-notice = only that there is news
form-summary = amounts, without names
form-detail = with all details

## Privacy and stopping

privacy = On your privacy page you see everything that was ever shared with this chat: what, when and why. You can stop it there too. Your bank asks who you are first.
privacy-not-linked = No bank is linked to this chat, so nothing of yours was shared.
stopped = Stopped. What you allowed at { $bank } is taken back, and nothing more will come. You can link again whenever you like.
unlinked = Done. { $bank } is no longer linked to this chat, and everything you allowed is taken back.
nothing-to-stop = There is nothing to stop: no bank is linked to this chat, and nothing is sent.
not-allowed = You have not allowed this here: { $purpose }. You can change that whenever you like.
not-offered = { $bank } does not offer this in the chat at the moment. Nothing was shared.
bank-unreachable = { $bank } does not answer at the moment. Please try again in a few minutes.
updates-paused = Sharing from { $bank } is paused at the moment. Nothing is sent while it is.

## Languages

language-name = English
language-choose = Which language do you prefer? · أيّ لغة تفضّل؟
language-set = All right, English it is.

## Buttons and quick replies (≤ 20)

button-open = Open
button-link-page = Open in browser
button-privacy = My privacy page
button-change = Change
quick-balance = Balance
quick-recent = Recent
quick-help = Help
quick-privacy = My privacy
quick-link = Link my bank
quick-again = Try again

## Messenger’s profile (greeting ≤ 160, menu ≤ 30)

profile-greeting = Ask about your balance and spending, and hear when money moves. You decide what is shown, and you can stop it at any time.
menu-balance = My balance
menu-recent = Recent transactions
menu-link = Link my bank
menu-privacy = My privacy
menu-language = Language · اللغة
menu-person = Talk to a person
menu-help = Help
menu-stop = Stop everything
