### ما يقال عن بيانات البنك بالعربية، في المحادثة وعلى صفحات البوابة: قصير، ودود، واضح، لا يفترض جنس المخاطَب.
### عناوين الردود السريعة 20 حرفًا على الأكثر.

## التواريخ

month-1 = يناير
month-2 = فبراير
month-3 = مارس
month-4 = أبريل
month-5 = مايو
month-6 = يونيو
month-7 = يوليو
month-8 = أغسطس
month-9 = سبتمبر
month-10 = أكتوبر
month-11 = نوفمبر
month-12 = ديسمبر
date-day = { $day } { $month }
date-day-year = { $day } { $month } { $year }

## الفترات

period-today = اليوم
period-yesterday = أمس
period-this-week = هذا الأسبوع (منذ { $from })
period-last-week = الأسبوع الماضي (من { $from } إلى { $to })
period-this-month = هذا الشهر (منذ { $from })
period-last-month = الشهر الماضي (من { $from } إلى { $to })
period-this-year = هذه السنة (منذ { $from })
period-last-year = السنة الماضية (من { $from } إلى { $to })
period-month = في شهر { $month } { $year }
period-year = في سنة { $year }
period-days =
    { $count ->
        [zero] خلال اليوم
        [one] خلال آخر يوم
        [two] خلال آخر يومين
        [few] خلال آخر { $count } أيام
        [many] خلال آخر { $count } يومًا
       *[other] خلال آخر { $count } يوم
    }
period-since = منذ { $from }
period-day = في { $from }
period-range = من { $from } إلى { $to }

## الحسابات والمبالغ

list-and = و
account = حسابك
kind-checking = حساب جارٍ
kind-savings = حساب توفير
kind-credit-card = بطاقة ائتمان
kind-loan = قرض
kind-other = حساب
amount-owed-available = المستحق عليك { $owed } · المتاح للصرف { $available }
amount-owed = المستحق عليك { $owed }
amount-available-current = المتاح { $available } · المقيَّد { $current }
amount-available = المتاح { $available }
amount-current = الرصيد { $current }
amount-unknown = لم يُرسل البنك رصيدًا

## سؤال لا يجوز عرض جوابه في هذه المحادثة

answer-notice = الإجابة من { $bank } معروضة في صفحتك الخاصة، بعد الضغط على «{ $button }» وتسجيل الدخول لدى بنكك.
answer-notice-no-page = لا يمكنني عرض ذلك في هذه المحادثة. يُرجى الاطلاع عليه في تطبيق { $bank }.

## الأرصدة

balances-intro =
    { $count ->
        [zero] أرصدتك لدى { $bank }:
        [one] رصيدك لدى { $bank }:
        [two] رصيداك لدى { $bank }:
        [few] أرصدتك لدى { $bank }:
        [many] أرصدتك لدى { $bank }:
       *[other] أرصدتك لدى { $bank }:
    }
balances-other-kind = لا يوجد حساب من هذا النوع لدى { $bank }. هذه حساباتك الأخرى:
balances-none = لا يوجد لدى { $bank } حساب سمحت لي بقراءته هنا.
balances-incomplete = تعذّرت الآن قراءة بعض الحسابات التي سمحت بها لدى { $bank }.
balances-as-of = بتاريخ { $at }.
more-on-page = لا يتسع المكان لعرض الكل.

## المعاملات

transactions-intro =
    { $count ->
        [zero] معاملاتك لدى { $bank }:
        [one] آخر معاملة لك لدى { $bank }:
        [two] آخر معاملتين لك لدى { $bank }:
        [few] آخر { $count } معاملات لك لدى { $bank }:
        [many] آخر { $count } معاملة لك لدى { $bank }:
       *[other] آخر { $count } معاملة لك لدى { $bank }:
    }
transactions-intro-shop =
    { $count ->
        [zero] معاملاتك في { $merchant }:
        [one] آخر معاملة لك في { $merchant }:
        [two] آخر معاملتين لك في { $merchant }:
        [few] آخر { $count } معاملات لك في { $merchant }:
        [many] آخر { $count } معاملة لك في { $merchant }:
       *[other] آخر { $count } معاملة لك في { $merchant }:
    }
transactions-intro-period =
    { $count ->
        [zero] معاملاتك { $period }:
        [one] معاملة واحدة { $period }:
        [two] آخر معاملتين { $period }:
        [few] آخر { $count } معاملات { $period }:
        [many] آخر { $count } معاملة { $period }:
       *[other] آخر { $count } معاملة { $period }:
    }
transactions-intro-shop-period =
    { $count ->
        [zero] معاملاتك في { $merchant } { $period }:
        [one] معاملة واحدة في { $merchant } { $period }:
        [two] آخر معاملتين في { $merchant } { $period }:
        [few] آخر { $count } معاملات في { $merchant } { $period }:
        [many] آخر { $count } معاملة في { $merchant } { $period }:
       *[other] آخر { $count } معاملة في { $merchant } { $period }:
    }
transactions-none = لا توجد معاملات لدى { $bank } حتى الآن.
transactions-none-shop = لم أجد معاملات في { $merchant }.
transactions-none-period = لم أجد معاملات { $period }.
transactions-none-shop-period = لم أجد معاملات في { $merchant } { $period }.
truncated-list = لم أتمكن من قراءة السجل كله، فقد تنقص بعض المعاملات.
row-posted = { $amount } · { $day }
row-pending = { $amount } · { $day } · قيد التنفيذ
row-reversed = { $amount } · { $day } · أُلغيت
move-out = مبلغ صادر
move-in = مبلغ وارد
move-memo = ملاحظة
move-reversed = معاملة ملغاة

## الإنفاق

spending-all =
    { $count ->
        [zero] أنفقت { $amount } { $period }.
        [one] أنفقت { $amount } { $period }، في عملية دفع واحدة.
        [two] أنفقت { $amount } { $period }، في عمليتي دفع.
        [few] أنفقت { $amount } { $period }، في { $count } عمليات دفع.
        [many] أنفقت { $amount } { $period }، في { $count } عملية دفع.
       *[other] أنفقت { $amount } { $period }، في { $count } عملية دفع.
    }
spending-shop =
    { $count ->
        [zero] أنفقت { $amount } في { $merchant } { $period }.
        [one] أنفقت { $amount } في { $merchant } { $period }، في عملية دفع واحدة.
        [two] أنفقت { $amount } في { $merchant } { $period }، في عمليتي دفع.
        [few] أنفقت { $amount } في { $merchant } { $period }، في { $count } عمليات دفع.
        [many] أنفقت { $amount } في { $merchant } { $period }، في { $count } عملية دفع.
       *[other] أنفقت { $amount } في { $merchant } { $period }، في { $count } عملية دفع.
    }
spending-matching =
    { $count ->
        [zero] أنفقت هناك { $amount } { $period }.
        [one] أنفقت هناك { $amount } { $period }، في عملية دفع واحدة.
        [two] أنفقت هناك { $amount } { $period }، في عمليتي دفع.
        [few] أنفقت هناك { $amount } { $period }، في { $count } عمليات دفع.
        [many] أنفقت هناك { $amount } { $period }، في { $count } عملية دفع.
       *[other] أنفقت هناك { $amount } { $period }، في { $count } عملية دفع.
    }
spending-refunds =
    { $count ->
        [zero] لا مبالغ مستردة.
        [one] بعد خصم مبلغ مسترد واحد قدره { $amount }.
        [two] بعد خصم مبلغين مستردين مجموعهما { $amount }.
        [few] بعد خصم { $count } مبالغ مستردة مجموعها { $amount }.
        [many] بعد خصم { $count } مبلغًا مستردًا مجموعها { $amount }.
       *[other] بعد خصم { $count } مبلغ مسترد مجموعها { $amount }.
    }
spending-counted = ما شمله الحساب: { $names }
spending-none = لم أجد مدفوعات { $period }.
spending-none-shop = لم أجد مدفوعات في { $merchant } { $period }.
spending-none-matching = لم أجد مدفوعات هناك { $period }.
spending-own = لا يشمل ذلك التحويلات بين حساباتك ولا سداد بطاقاتك.
spending-truncated = لم أتمكن من قراءة كل معاملات هذه الفترة، فقد يكون المجموع الحقيقي أكبر.

## المستجدات

updates-header =
    { $count ->
        [zero] أثناء غيابك لدى { $bank }:
        [one] أثناء غيابك حدث أمر واحد لدى { $bank }:
        [two] أثناء غيابك حدث أمران لدى { $bank }:
        [few] أثناء غيابك حدثت { $count } أمور لدى { $bank }:
        [many] أثناء غيابك حدث { $count } أمرًا لدى { $bank }:
       *[other] أثناء غيابك حدث { $count } أمر لدى { $bank }:
    }
updates-more =
    { $count ->
        [zero] صفحة «خصوصيتي» تقودك إلى حساباتك.
        [one] هناك أمر أقدم. صفحة «خصوصيتي» تقودك إلى حساباتك.
        [two] هناك أمران أقدم. صفحة «خصوصيتي» تقودك إلى حساباتك.
        [few] هناك { $count } أمور أقدم. صفحة «خصوصيتي» تقودك إلى حساباتك.
        [many] هناك { $count } أمرًا أقدم. صفحة «خصوصيتي» تقودك إلى حساباتك.
       *[other] هناك { $count } أمر أقدم. صفحة «خصوصيتي» تقودك إلى حساباتك.
    }
update-notice = هناك جديد في حسابك لدى { $bank }.
update-pending-out = دفعت { $amount }. العملية قيد التنفيذ لدى { $bank }.
update-pending-out-shop = دفعت { $amount } في { $merchant }. العملية قيد التنفيذ لدى { $bank }.
update-pending-in = مبلغ { $amount } في طريقه إليك، وهو قيد التنفيذ لدى { $bank }.
update-pending-in-shop = مبلغ { $amount } من { $merchant } في طريقه إليك، وهو قيد التنفيذ لدى { $bank }.
update-new-out = خرج { $amount } من حسابك لدى { $bank }.
update-new-out-shop = دفعت { $amount } في { $merchant }، وقُيّدت العملية لدى { $bank }.
update-new-in = وصل { $amount } إلى حسابك لدى { $bank }.
update-new-in-shop = وصل { $amount } من { $merchant } إلى حسابك لدى { $bank }.
update-posted-out = قُيّدت عملية الدفع بمبلغ { $amount } لدى { $bank }.
update-posted-out-shop = قُيّدت عملية الدفع بمبلغ { $amount } في { $merchant } لدى { $bank }.
update-posted-in = قُيّد { $amount } في حسابك لدى { $bank }.
update-posted-in-shop = قُيّد { $amount } من { $merchant } في حسابك لدى { $bank }.
update-changed-out = تغيّر مبلغ إحدى عمليات الدفع، وأصبح { $amount }.
update-changed-out-shop = تغيّر مبلغ عملية الدفع في { $merchant }، وأصبح { $amount }.
update-changed-in = تغيّر مبلغ أحد الإيداعات، وأصبح { $amount }.
update-changed-in-shop = تغيّر المبلغ الوارد من { $merchant }، وأصبح { $amount }.
update-reversed-payment = أُلغيت عملية دفع بمبلغ { $amount }، والمبلغ عائد إلى حسابك لدى { $bank }.
update-reversed-payment-shop = أُلغيت عملية الدفع بمبلغ { $amount } في { $merchant }، والمبلغ عائد إليك.
update-reversed-deposit = أُلغي إيداع بمبلغ { $amount }، وسُحب المبلغ من حسابك لدى { $bank }.
update-reversed-deposit-shop = أُلغي الإيداع بمبلغ { $amount } من { $merchant }، وسُحب المبلغ من حسابك.
update-memo = أضاف { $bank } ملاحظة إلى حسابك عن { $amount }، دون حركة أموال.
update-memo-shop = أضاف { $bank } ملاحظة إلى حسابك عن { $amount } في { $merchant }، دون حركة أموال.
update-note = نص البنك: { $text }
update-account = الحساب: { $account }
update-balance =
    تغيّر رصيدك لدى { $bank }.
    { $account }: { $amounts }
update-balance-card =
    { $account } لدى { $bank }: المتاح للصرف الآن { $available }.
    المستحق عليك { $owed }.
update-balance-card-left = { $account } لدى { $bank }: المتاح للصرف الآن { $available }.
update-balance-owed =
    تغيّر المبلغ المستحق عليك لدى { $bank }.
    { $account }: { $amounts }

## صفحات البوابة

accounts-owed = المستحق عليك
accounts-booked = الرصيد المقيد
accounts-available = المتاح
accounts-latest = آخر العمليات
accounts-quiet = لا توجد حركة في آخر 30 يومًا.
accounts-unread = لم يتمكن البنك الآن من عرض معاملات هذا الحساب.
accounts-partial = تعذّرت الآن قراءة بعض معاملات هذا الحساب.
accounts-when = التاريخ
accounts-what = العملية
accounts-amount = المبلغ
accounts-pending = قيد التنفيذ
consent-accounts-none = لم يشارك بنكك أي حساب.

## الأزرار والردود السريعة

button-open = فتح

## What the platform approves beforehand. A new wording needs a new name in messenger/utility.rs.

utility-news = يوجد جديد بخصوص حسابك لدى { $bank } في انتظارك. اضغط الزر لقراءته هنا في المحادثة.
utility-news-button = عرض
utility-news-example = بنك الأرز
utility-ends = ينتهي ما سمحت به من حسابك لدى { $bank } من تلقاء نفسه في تاريخ { $until }. اضغط الزر إن أردت أن يستمر كما هو.
utility-ends-button = تجديد
utility-ends-example = 5 يناير 2027

##

quick-balance = رصيدي
quick-recent = آخر المعاملات
quick-help = مساعدة
quick-privacy = خصوصيتي
