//! The words that the rules look for, in ordinary spelling, English then Arabic (standard, Gulf, Egyptian, Levantine).
//! `|` separates phrases; `*` lets a word go on (an Arabic ending, an English plural).

use super::words::Set;
use std::sync::LazyLock;

macro_rules! sets {
    ($($(#[$doc:meta])* $name:ident = $($phrases:literal)+;)+) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Set> =
            LazyLock::new(|| Set::new(concat!($($phrases, "|"),+)));)+
    };
}

sets! {
    /// Texts that try to command a machine rather than ask a bank.
    TRICKS = "ignore all | ignore previous | ignore your | ignore the previous | ignore prior | disregard | system prompt | your prompt"
        "developer mode | jailbreak | you are now | act as | pretend | override | sudo | admin mode | script | select from | drop table"
        "new instructions | previous instructions | http | https | www | other customers | all customers | everyones | another customer"
        "تجاهل | تجاهلي | التعليمات السابقة | انت الآن | تصرف ك* | كل العملاء | جميع العملاء | عميل آخر | وضع المطور";

    /// Questions about stopping rather than the wish itself.
    HYPOTHETICAL = "how do i | how can i | how to | how would i | what happens | what if | if i | will you | is it possible | can i"
        "كيف | ماذا يحدث | ماذا لو | لو | إذا | هل يمكنني | ازاي | شلون | وش يصير";
    /// A wish that is denied.
    NEGATED = "dont stop | do not stop | never stop | dont link | do not link | dont unlink | do not unlink | dont disconnect"
        "do not disconnect | not stop | dont want to link | do not want to link | dont revoke"
        "dont delete | do not delete | dont erase | do not erase | لا تحذف | لا تحذفي | لا تمسح | لا تمسحي"
        "لا توقف | لا توقفي | لا تتوقف | لا تربط | لا أريد الربط | لا تلغ | لا تلغي | ما أبي أربط | ما أبغى أربط | مش عايز أربط | ما توقف | لا تفصل";

    CARD = "card* | pin | debit card | credit card | بطاقة | بطاقتي | البطاقة | كارت* | كرت | فيزا | الفيزا";
    BLOCK = "block | freeze | unfreeze | unblock | lock | stop | cancel | suspend | activate | replace | lost | stolen | report"
        "أوقف | وقف | إيقاف | ألغ | ألغي | إلغاء | جمد | تجميد | فعل | تفعيل | ضاعت | انسرقت | سرقت | فقدت | اقفل | قفل | بلوك";
    STOP_PAYMENT = "stop payment | stop the payment | stop a payment | stop my payment | stop the transfer | stop transfer | stop check"
        "stop a check | stop cheque | cancel payment | cancel my payment | cancel the payment | cancel transaction | cancel my transaction"
        "cancel the transaction | cancel transfer | cancel the transfer | cancel my transfer | cancel my order | cancel order"
        "أوقف الدفعة | أوقف الدفع | أوقف التحويل | وقف التحويل | إلغاء العملية | إلغاء التحويل | ألغ العملية | ألغي العملية | ألغ التحويل | ألغي التحويل | إلغاء الدفع | إيقاف الدفع";

    IDENTITY = "what is amana | are you a bot | are you a robot | are you human | are you a human | are you real | are you a person | are you a real person"
        "who are you | what are you | what is this | is this a bot | am i talking to a bot | am i talking to a human | am i talking to a person"
        "ما هي أمانة | ايش أمانة | من أنت | مين انت | مين إنت | منو انت | هل أنت روبوت | هل أنت إنسان | انت انسان | انت روبوت | أنت بوت | مين معي | من معي | هل أنت شخص";

    ERASE = "delete my data | delete all my data | delete my personal data | delete my information | delete everything about me"
        "delete everything you have | delete everything you know | erase my data | erase all my data | erase me | erase everything"
        "remove my data | remove all my data | wipe my data | forget me | forget everything about me | right to be forgotten"
        "احذف بياناتي | احذفي بياناتي | احذفوا بياناتي | حذف بياناتي | حذف كل بياناتي | احذف كل بياناتي | احذف جميع بياناتي"
        "امسح بياناتي | امسحي بياناتي | مسح بياناتي | امسح كل بياناتي | محو بياناتي | شيل بياناتي | انسني | حذف معلوماتي | احذف معلوماتي";
    UNLINK = "unlink* | disconnect | remove my bank | remove my account | remove the link | remove link | delete the link | delete link"
        "delete my link | forget my bank | forget my account | log out | logout | log me out | sign out | signout | sign me out"
        "إلغاء الربط | إلغاء ربط | ألغ الربط | ألغي الربط | ألغي ربط | ألغ ربط | فك الربط | فك ربط | أفك الربط | فكوا الربط | افصل | فصل حسابي | فصل الحساب"
        "فصل البنك | قطع الربط | إزالة الربط | احذف الربط | حذف الربط | شيل الربط | تسجيل الخروج | تسجيل خروج | سجل خروج | إلغاء الارتباط";

    STOP_ALONE = "stop | unsubscribe | cancel | quit | end | halt | stopp | optout | opt out | ستوب | إيقاف | أوقف | وقف | توقف | قف | أوقفي | وقفي | توقفي | إلغاء | كفاية | بس خلاص";
    STOP_WITH = "please | pls | plz | now | all | everything | it | this | that | amana | bot | the | immediately | me | just | ok | okay | thanks | thank you"
        "رجاء | من فضلك | لو سمحت | لو سمحتي | الآن | كل | شيء | كله | كلشي | هذا | حالا | خلاص | فورا | الحين | دلوقتي | ارجوك | أمانة | فضلا | الكل | جميع";
    STOP = "make it stop | no longer want | dont want these messages | dont want messages | dont want any more messages | stop the service | cancel the service | stop sending | stop messaging | stop texting | stop sharing | stop contacting | stop updates | stop the updates | stop my updates"
        "stop all updates | stop all messages | stop notifications | stop the notifications | stop all notifications | stop notifying"
        "stop alerts | stop the alerts | stop messages | stop the messages | stop these messages | stop this | stop everything | stop access"
        "no more messages | no more updates | no more notifications | unsubscribe* | opt me out | opt out | revoke | withdraw consent"
        "withdraw my consent | cancel my consent | remove my consent | take back my consent | turn off updates | turn off notifications"
        "turn off the updates | turn off alerts | dont send me | do not send me | dont message me | do not message me | dont share"
        "do not share | leave me alone | want to stop | want you to stop | like to stop"
        "إلغاء الاشتراك | ألغ الاشتراك | ألغي الاشتراك | لا ترسل* | لا تبعت* | ما تبعت* | لا تراسلني | لا تشارك | لا تشاركوا | بطل ترسل | بطل تبعت | سحب الموافقة"
        "سحب موافقتي | اسحب موافقتي | أسحب موافقتي | إلغاء الموافقة | إلغاء موافقتي | ألغ الموافقة | ألغي الموافقة | ألغي موافقتي | أوقف التحديثات | أوقف الإشعارات"
        "أوقف الرسائل | وقف الرسائل | وقف الرسايل | وقف الإشعارات | وقف التحديثات | إيقاف الإشعارات | إيقاف التحديثات | إيقاف الرسائل | أوقف المشاركة"
        "إيقاف المشاركة | وقف المشاركة | أوقف كل | وقف كل | إيقاف كل | لا أريد رسائل | لا أريد المزيد | أوقف الخدمة | وقف الخدمة | إيقاف الخدمة | إلغاء الخدمة | ما أبي رسائل | مش عايز رسايل | ما بدي رسائل | أريد إيقاف | أريد التوقف";

    PERSON = "human | agent | representative | operator | real person | talk to someone | speak to someone | speak with someone | talk with someone"
        "chat with someone | talk to a person | speak to a person | speak with a person | talk with a person | person please | customer service"
        "customer support | customer care | live chat | live agent | call center | call centre | call me | talk to the bank | speak to the bank"
        "talk to a banker | contact the bank | contact support | someone real | bank employee | complaint | complain | talk to support"
        "موظف* | خدمة العملاء | خدمة الزبائن | خدمة العميل | أكلم حد | أكلم أحد | أكلم واحد | أحكي مع حد | أحكي مع شخص | أحكي مع موظف | شخص حقيقي | إنسان | التحدث مع شخص"
        "أتكلم مع | أتحدث مع | أتحدث إلى | التحدث إلى | أكلم شخص | أكلم البنك | ممثل | الدعم | مندوب | بشري | شكوى | كول سنتر | اتصلوا بي | اتصل بي";

    SPENT = "spent | where did my money go | where did all my money go | راحت فلوسي | راحت الفلوس | spending | spendings | expenses | expense | expenditure* | صرفت | صرفنا | صارف | صارفة | أنفقت | إنفاق* | نفقات* | مصروف* | مصاريف* | مصرفاتي | اتصرف";
    SPEND = "spend | spends | spnd | spen | spendt | paid | pay | cost | costs | drop | buy | bought | purchase | blow"
        "أصرف | بصرف | أنفق | دفعت | دافع | دفعنا | شريت | اشتريت | كلفني | كلفتني | كلف";
    ASKS = "how much | how many | what did | what have | whats my | what is my | what was my | what were my | total | sum | show | tell me | did i | have i | my | list"
        "i spent | i have spent | ive spent | amount i"
        "كم | كام | قديش | قدي | أديش | شقد | شكد | جم | قد ايه | اد ايه | قد إيش | بكم | بكام | ايش | وش | شو | شنو | ماذا | ما | مجموع | إجمالي | اجمالي | أعطني | أعطيني | اعرض | ورني | وريني | هل | احسب | كل | اللي";
    /// "How much do I have to pay" asks what is owed, "did I get paid" what came in.
    MUST_PAY = "have to pay | get paid | got paid | been paid | did i earn | did i receive | need to pay | must pay | should i pay | owe | can i spend | left to spend | available to spend | لازم أدفع | علي أدفع | أقدر أصرف | أقدر أصرفه | يمكنني صرفه";
    HOW_MUCH = "how much | total | كم | كام | قديش | أديش | شقد | بكم | قد ايه | مجموع | إجمالي";

    /// Money that came.
    INCOME = "salary | salaries | paycheck* | payroll | wage | wages | income | earn | earned | earning | earnings | did i make | have i made | i made"
        "get paid | got paid | been paid | did i receive | did i get | have i received | bonus | pension | interest | cashback"
        "راتب* | رواتب* | معاشي | المعاش | ربحت | كسبت | أرباحي | دخلي | الدخل | قبضت | كم وصلني | كم استلمت | كم جاني | كم دخل | مكافأة | الفوائد | فوائد";
    /// Some transactions only, by which way they went; a list shows all.
    ONE_WAY = "deposit | deposits | withdrawal | withdrawals | debits | refund | refunds | refunded | my transfers | transfers"
        "إيداع* | إيداعات* | سحوبات* | تحويلاتي | التحويلات | استرداد* | المستردة | المبالغ الواردة";
    /// One of many by its size, an average, a comparison.
    SUPERLATIVE = "biggest | largest | highest | smallest | lowest | cheapest | most expensive | least expensive | priciest | than | average"
        "spend the most | spent the most | spend most | spent most | spend the least | spent the least | most money | top purchases | top expenses | top merchants | top spending"
        "compare | compared | comparison | did i save | have i saved | typical | usually"
        "أكبر | أعلى | أقل | أصغر | أغلى | أرخص | أكثر | متوسط | معدل | قارن | مقارنة | بالمقارنة | وفرت | ادخرت | عادة";
    /// Sums by kind or by time.
    GROUPED = "per day | per week | per month | per year | each day | each week | each month | each year | every day | every week | every month"
        "category | categories | breakdown | by shop | by store | by merchant"
        "حسب الفئة | الفئات | حسب المتجر | فئة";
    /// Before an amount.
    COMPARED = "over | above | under | below | at least | at most | exceeding | worth | around | about | exactly | فوق | تحت | دون | حوالي | بقيمة | بمبلغ | قيمتها | على الأقل";
    /// After an amount.
    CURRENCY = "dollar | dollars | usd | bucks | buck | cents | euro | euros | eur | pounds | gbp | dirham | dirhams | aed | riyal | riyals | sar | dinar | dinars | kwd | egp | jod"
        "دولار* | درهم* | دراهم | ريال* | دينار* | دنانير | جنيه* | ليرة | ليرات | يورو";
    /// Whether something was paid.
    YES_OR_NO = "did i pay | did i already pay | have i paid | have i already paid | did i buy | have i bought | did i spend | have i spent | was i charged | am i charged | هل دفعت | هل سددت | هل اشتريت | هل صرفت | هل أنفقت";
    /// What asks for more than yes or no.
    WHAT = "what | whats | show | tell | where | list | ايش | وش | شو | ماذا | شنو | اعرض | ورني | وريني";

    PRIVACY = "privacy | my data | what do you know | what did you share | what was shared | what have you shared | what is shared | whats shared"
        "what do you share | been shared | who can see | who sees | who saw | who has access | has seen my | data protection | gdpr | shared with"
        "do you share | do you sell | do you store | what do you store | disclosures | disclosure | consent* | permissions | personal data"
        "خصوصي* | بياناتي | معلوماتي | ماذا شاركت* | ايش شاركت* | وش شاركت* | شو شاركت* | وش تشارك* | ماذا تشارك* | مين يشوف | مين بيشوف | مين شاف | من يرى | من رأى | من شاف | من يشوف"
        "منو يشوف | موافقات* | موافقتي | أذونات* | صلاحيات* | ماذا تعرف عني | وش تعرف عني | ايش تعرف عني | شو بتعرف عني | تعرف عني ايه | إفصاحات | الإفصاحات | ما تمت مشاركته | تبيع* بيانات*";

    ORDER = "send | transfer | wire | pay | zelle | venmo | deposit | withdraw | top up | topup | recharge | invest | borrow | apply | freeze | block"
        "open account | open an account | open a new account | close account | close my account | dispute | move money | request money | split the bill"
        "order a card | new card | change my pin | reset my pin | change my address | mortgage rate | exchange rate | raise my limit | increase my limit"
        "raise limit | increase limit | activate | lend | donate | refund me | buy bitcoin | buy stocks | convert"
        "حول | حولي | حولوا | تحويل | أحول | ابعت | ابعث | أبعت | أرسل | ارسلي | إرسال | ادفع | أدفع | ادفعي | سدد | أسدد | تسديد | دفع فاتورة | اشحن | شحن | اسحب | أسحب | أودع | اودع | إيداع"
        "أستلف | افتح حساب | فتح حساب | أفتح حساب | أغلق حساب* | إغلاق حساب* | قرض جديد | أريد قرض | أبي قرض | عايز قرض | رفع الحد | زيادة الحد | الرقم السري | سعر الصرف | جمد | تجميد | اشتر | استثمر | اقتراض";
    /// What can be sent to the customer in this chat, so that "send me …" is a question.
    SEND_ME = "send me | send over | send my | give me | أرسل لي | ارسل لي | ابعت لي | ابعتلي | ابعثلي | أرسلي لي | ارسللي | ابعتيلي";
    /// Looking at what was, rather than ordering.
    LOOKS = "how much | show | list | last | latest | recent | what did | what was | when did | did i | have i | see my | view my | did my"
        "كم | كام | قديش | أديش | آخر | اعرض | عرض | ورني | وريني | أشوف | شوف | ايش | وش | شو | هل";

    ARABIC = "arabic | in arabic | عربي | العربية | بالعربي | بالعربية | عربية | arabi";
    ENGLISH = "english | in english | إنجليزي | الإنجليزية | بالإنجليزي | بالإنجليزية | انجليزية | انكليزي | بالانكليزي | انقلش | انجلش | إنكليزية";
    LANGUAGE = "language | languages | change language | switch language | لغة | اللغة | تغيير اللغة | غير اللغة | اللغات | لغتي";

    BALANCE = "balance | balances | bal | blance | how much money | how much do i have | how much i have | how much have i got | how much is in | how much is left"
        "how much left | have any money | whats left | what is left | money left | do i have left | i have left | what do i have | my money | do i owe | i owe | owe | owed | can i spend | left to spend"
        "available to spend | available funds | available credit | credit available | my funds | am i broke | in my account | in my checking"
        "in my savings | do i have enough | my accounts | my account | accounts | have to pay | need to pay | rasid | rasidi | raseedi | raside | rasidy"
        "رصيد* | أرصد* | كم عندي | كم معي | كم معاي | كم معايا | كم فلوسي | كم باقي | كم بقي | كم تبقى | كم ظل | كم لدي | قديش معي | قديش عندي | قديش في | قديش باقي | أديش معي | معايا كام"
        "عندي كام | كام معايا | كام عندي | فلوسي | كم في حساب* | كم بحساب* | كم المتاح | المبلغ المتاح | المتاح | كم علي | كم المستحق | المستحق | حساباتي | شقد عندي | شكد عندي"
        "جم عندي | مصاري بحسابي | بحسابي | في حسابي | لازم أدفع | أقدر أصرف | يمكنني صرفه | حسابي | فاضل كام | كم الفلوس | كم فلوس";
    NOT_BALANCE = "work life balance | new balance | balance sheet | توازن";

    TRANSACTIONS = "transaction* | transaction | transactions | trx | txn | txns | activity | history | purchases | purchase | payments | last payment | latest payment | recent payment | charges | charged"
        "statement | statements | movements | what did i buy | deposits | transfers | recent | what happened in my account | salary | paycheck | been paid | got paid | get paid | did i earn | did i receive"
        "debits | withdrawals"
        "معاملات* | معاملات | معاملة | عملية | معاملتين | معاملاتي | حركات* | حركة | حركتين | عمليات* | عمليتين | آخر عملية | اخر العمليات | مشتريات* | مدفوعات* | كشف حساب* | كشف الحساب | كشف"
        "سجل | ايش شريت | شريته | اشتريته | وش شريت | وش اشتريت | ماذا اشتريت | شو اشتريت | اشتريت ايه | تحويلاتي | راتب* | الراتب | سحوبات* | إيداعات* | معاملت*";
    ONE = "last transaction | latest transaction | last payment | latest payment | last purchase | latest purchase | last charge | most recent transaction | last activity"
        "آخر معاملة | آخر عملية | آخر حركة | آخر عملية شراء";
    TWO = "معاملتين | حركتين | عمليتين";

    LINK = "link | connect | linking | add my bank | add bank | add a bank | add account | add my account | sign in | signin | log in | login | register | set up | setup"
        "ربط | اربط* | أربط* | الربط | ربط حسابي | إضافة حساب | أضف حساب* | أضيف حساب* | تسجيل الدخول | تسجيل دخول | سجل دخول | وصل حسابي | توصيل حساب* | اشترك | تسجيل";
    LINK_WITH = "bank | my | account | accounts | me | chase | citi | بنك* | البنك | حساب* | الحساب";

    CHECKING = "checking | current account | debit | جاري | الجاري | جارٍ";
    SAVINGS = "savings | saving | توفير | التوفير | ادخار | الادخار | التوفيري | مدخراتي";
    CREDIT = "credit card | credit | card | cards | visa | mastercard | amex | ائتمان* | الائتمان | بطاقة | بطاقتي | البطاقة | فيزا | الفيزا | كريدت";
    LOAN = "loan | loans | mortgage | قرض | قرضي | القرض | رهن | تمويل";

    HELP = "help | hepl | menu | options | commands | what can you do | what can i ask | what can i do | what do you do | how does this work | how does it work | how do i use | instructions | support"
        "examples | i am lost | im lost | im stuck"
        "مساعدة | المساعدة | ساعدني | ساعديني | ساعدوني | ماذا تستطيع | ماذا يمكنك | وش تقدر | ايش تقدر | شو بتعمل | شو بتقدر | شو فيك | بتعمل ايه | تعمل ايه | تقدر تعمل ايه | كيف أستخدم | كيف استعمل"
        "كيف يعمل | كيف تعمل | القائمة | الخيارات | خيارات | ماذا يمكنني | الأوامر | شنو تسوي | وش تسوي | تعليمات";
    THANKS = "thanks | thank | thx | thnx | ty | tysm | cheers | appreciate | شكرا | شكرًا | مشكور* | تسلم* | يعطيك العافية | ممنون* | متشكر* | جزاك الله | الله يعطيك | يسلمو";
    GREETING = "how are you | how r u | whats up | hi | hii | heyy | helloo | hello | hey | heya | hiya | helo | hallo | good morning | good evening | good afternoon | good day | morning | yo | salam | salaam | marhaba | start | get started | howdy | greetings"
        "السلام عليكم | سلام | السلام | مرحبا | مرحبًا | مراحب | هلا | أهلا | أهلين | هاي | صباح الخير | صباح النور | مساء الخير | مسا الخير | كيفك | كيف حالك | شلونك | ازيك | إزيك | يا هلا | هلو | الو | ابدأ | تحية";
    FILLER = "please | pls | there | you | amana | bot | a | lot | so | much | very | for | the | your | ok | okay | everyone | how | are | is | it | and | again | great | dear | bro | sir | all"
        "يا | أمانة | لك | لكم | جزيلا | كثير | كتير | جدا | على | عليكم | ورحمة | الله | وبركاته | أخي | بكم | فيك | وسهلا | من | فضلك | غالي | قلبي | والله | بوت";
}
