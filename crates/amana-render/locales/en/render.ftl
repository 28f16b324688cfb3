### What is said about bank data, in English: in a chat and on the gateway's pages. Short, warm, plain. Arguments are
### isolated by Fluent: never write U+2068 here. Titles of quick replies: at most 20 characters.

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

answer-notice = The answer from { $bank } is on your own page: tap “{ $button }” and sign in at your bank.
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

updates-header =
    { $count ->
        [one] While you were away there was one thing at { $bank }:
       *[other] While you were away there were { $count } things at { $bank }:
    }
updates-more =
    { $count ->
        [one] There is one older thing. Your page “My privacy” leads to your accounts.
       *[other] There are { $count } older ones. Your page “My privacy” leads to your accounts.
    }
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

## Pages of the gateway

accounts-owed = You owe
accounts-booked = Booked
accounts-available = Available
accounts-latest = Latest transactions
accounts-quiet = Nothing moved in the last 30 days.
accounts-unread = The bank could not show the transactions of this account just now.
accounts-partial = Some transactions of this account could not be read just now.
accounts-when = When
accounts-what = What
accounts-amount = Amount
accounts-pending = pending
consent-accounts-none = Your bank shared no account.

## Buttons and quick replies (≤ 20)

button-open = Open

## What the platform approves beforehand. A new wording needs a new name in messenger/utility.rs.

utility-news = There is news about your account at { $bank } for you. Tap the button to read it here in the chat.
utility-news-button = Show me
utility-news-example = Cedar Bank
utility-ends = What you allowed for your account at { $bank } ends by itself on { $until }. Tap the button if you want it to go on.
utility-ends-button = Renew
utility-ends-example = January 5, 2027

##

quick-balance = Balance
quick-recent = Recent
quick-help = Help
quick-privacy = My privacy
