### What Amana says in a chat, in English. Short, warm, plain. Arguments are isolated by Fluent: never write U+2068 here.
### Titles of buttons and quick replies: at most 20 characters; of the menu: 30; the profile's greeting: 160.

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
corrected-late = What you wrote before was already answered. Please write it again as a new message.
unsupported-request = I cannot do that here: I only read, and nothing was done. I can tell you your balance, your latest transactions, or what you spent at a shop. To move money or change a card, please use your bank’s own app or call the bank.
unsupported-attachment = Thank you, but I can only read text. What would you like to know?
thanks = You are very welcome!
person = I am an automated assistant, and people of { $bank } do not read this chat yet. To reach a person, please call the number on your card or use the bank’s own app.

## Linking

link-ask = To begin, link your bank. You sign in on your bank’s own page, so I never see your password, and you choose what this chat may show. The link works once and only for you.
linked = Done! Your account at { $bank } is linked. You allowed:
linked-line = • { $purpose }: { $form }
linked-until = This ends by itself on { $until }. You can stop it sooner: just write “stop”.
ends-soon = What you allowed at { $bank } ends by itself on { $until }. If you want it to go on as it is, renew it at your bank. If not, there is nothing to do.
renewed = What you allowed at { $bank } goes on until { $until }. You can stop at any time.
link-failed = Linking with { $bank } did not work, and nothing was shared. Please try again.
link-cancelled = All right, nothing was linked and nothing was shared. You can come back whenever you like.
accounts-gone = { $bank } does not show the accounts that you allowed any more; they may be closed. To choose others, link again.
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

privacy = On your privacy page you see everything that was ever shared with this chat: what, when and why. You can stop it there too. Your bank asks who you are first. To have everything deleted, write “delete my data”.
privacy-not-linked = No bank is linked to this chat, so nothing of yours was shared.
stopped = Stopped. What you allowed at { $bank } is taken back, and nothing of it will come any more. You can link again whenever you like.
stop-there-too = { $bank } takes a permission back only from you. What it gave us is destroyed here; please also remove this app in the security settings on its own site.
ended-at-bank = { $bank } says that what you allowed there was taken back or is over. Nothing more will come from it. You can link again whenever you like.
ended-by-time = The time of what you allowed at { $bank } is over. Nothing more will come from it. If you want it to go on as it was, renew it at your bank.
narrowed-at-bank = { $bank } says that you share less there now. What you took out there is left out here, too, from now on.
unlinked = Done. { $bank } is no longer linked to this chat, and everything you allowed is taken back.
erase-ask =
    This deletes everything that is kept about you here for { $bank }: what you allowed, your links, also those of other chats, and the record of what was shared, with the proof of it. It cannot be undone. What your bank has, and what stands in this chat, stays.

    If you want a copy first, open your privacy page. Delete it all?
erased = Done. Everything that was kept about you here for { $bank } is deleted, and the bank is told that nothing is allowed any more. The messages in this chat are with Messenger: you can delete them there.
nothing-to-erase = Nothing about you is kept here: no bank is linked to this chat, and what we remembered of it (its language, the links we sent, our last texts) has been deleted just now. Only when you wrote this is remembered for two weeks at most, since this answer could not reach you otherwise. The messages in this chat are with Messenger: you can delete them there.
no-news = There is nothing new: all that there was to tell you has been told.
nothing-to-stop = There is nothing to stop: no bank is linked to this chat, and nothing is sent.
not-allowed = You have not allowed this here: { $purpose }. You can change that whenever you like.
not-offered = { $bank } does not offer this in the chat at the moment. Nothing was shared.
bank-unreachable = { $bank } does not answer at the moment. Please try again in a few minutes.
updates-paused = Sharing from { $bank } is paused at the moment. Nothing is sent while it is.
purpose-paused = This is paused for { $bank } at the moment: { $purpose }. Nothing was shared.

## Languages

language-name = English
language-choose = Which language do you prefer? · أيّ لغة تفضّل؟
language-set = All right, English it is.

## Buttons and quick replies (≤ 20)

button-link-page = Open in browser
button-privacy = My privacy page
button-change = Change
button-renew = Renew
quick-link = Link my bank
quick-again = Try again
quick-erase = Yes, delete it all

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
ice-link = How do I link my bank?
ice-help = What can you do for me?
ice-privacy = What happens with my data?
ice-person = Can I talk to a person?
