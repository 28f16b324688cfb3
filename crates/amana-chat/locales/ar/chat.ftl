### ما تقوله «أمانة» في المحادثة بالعربية: قصير، ودود، واضح، لا يفترض جنس المخاطَب.
### عناوين الأزرار والردود السريعة 20 حرفًا على الأكثر، والقائمة 30، والتحية 160.

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

answer-notice = حساباتك لدى { $bank } معروضة في صفحتك الخاصة، بعد الضغط على «{ $button }» وتسجيل الدخول لدى بنكك.
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

## اللقاء

welcome =
    أهلًا وسهلًا! أنا «أمانة»، مساعد آلي لـ { $bank }؛ برنامج ولست إنسانًا.

    بعد ربط حسابك البنكي يمكنني إخبارك برصيدك وما أنفقته، وإعلامك عند كل حركة. لا يخرج شيء من بنكك إلا بإذنك، ويمكنك رؤية كل ذلك وإيقافه متى شئت.
greeting = أهلًا بك من جديد! كيف يمكنني مساعدتك؟
help =
    يمكنك السؤال بكلماتك، مثلًا:
    • كم رصيدي؟
    • آخر 5 معاملات
    • كم صرفت في بلو بوتل الشهر الماضي؟

    تعرض «خصوصيتي» كل ما تمت مشاركته، وكلمة «إيقاف» تُنهي ذلك كله. أنا مساعد آلي؛ وللحديث مع شخص تكفي كتابة «أريد موظفًا».
not-understood = عذرًا، لم أفهم ذلك. يمكنني إخبارك برصيدك أو آخر معاملاتك أو ما أنفقته في متجر ما.
unsupported-request = لا يمكنني فعل ذلك هنا؛ فأنا أقرأ فقط، ولم يُنفَّذ شيء. يمكنني إخبارك برصيدك أو آخر معاملاتك أو ما أنفقته في متجر ما. لتحويل الأموال أو تغيير شيء في البطاقة يُرجى استخدام تطبيق البنك أو الاتصال به.
unsupported-attachment = شكرًا، لكنني أقرأ النصوص فقط. كيف يمكنني مساعدتك؟
thanks = على الرحب والسعة!
person = أنا مساعد آلي، وموظفو { $bank } لا يقرؤون هذه المحادثة بعد. للحديث مع شخص يُرجى الاتصال بالرقم المكتوب على بطاقتك أو استخدام تطبيق البنك.

## الربط

link-ask = البداية بربط حسابك البنكي. تسجيل الدخول يكون في صفحة البنك نفسها، فلا أرى كلمة مرورك أبدًا، ولك أن تحدد ما يُعرض في هذه المحادثة. الرابط لك وحدك ويعمل مرة واحدة.
linked = تم! حسابك لدى { $bank } مرتبط الآن. هذا ما سمحت به:
linked-line = • { $purpose }: { $form }
linked-until = ينتهي ذلك تلقائيًا في { $until }. ولإيقافه قبل ذلك تكفي كتابة «إيقاف».
ends-soon = ينتهي ما سمحت به في { $bank } تلقائيًا في { $until }. إن أردت أن يستمر فسجّل الدخول من جديد واختر مرة أخرى، وإلا فلا داعي لفعل شيء.
link-failed = لم ينجح الربط مع { $bank }، ولم تتم مشاركة شيء. يُرجى المحاولة من جديد.
link-cancelled = حسنًا، لم يُربط شيء ولم تتم مشاركة شيء. يمكنك العودة متى شئت.
relink = يطلب { $bank } تسجيل الدخول من جديد. وحتى ذلك الحين لا يمكنني قراءة شيء لديه.
purpose-BalanceOnRequest = رصيدك عند سؤالك
purpose-BalanceUpdate = إعلامك عند تغيّر رصيدك
purpose-TransactionUpdate = معاملاتك
purpose-ReceiptUpdate = إيصالات مشترياتك
purpose-DeliveryUpdate = أخبار توصيل طلباتك
purpose-SecurityAlert = التنبيه إلى احتيال محتمل
purpose-CustomerService = مساعدة من موظفي البنك
purpose-BankOffer = عروض البنك نفسه
purpose-PersonToPersonTransfer = إرسال المال إلى الأشخاص
form-notice = الإعلام بوجود جديد فقط
form-summary = المبالغ دون أسماء
form-detail = بكل التفاصيل

## الخصوصية والإيقاف

privacy = في صفحة خصوصيتك كل ما تمت مشاركته مع هذه المحادثة: ماذا ومتى ولماذا. ويمكنك إيقافه هناك أيضًا. وسيتحقق بنكك من هويتك أولًا.
privacy-not-linked = لا يوجد بنك مرتبط بهذه المحادثة، ولذلك لم تتم مشاركة شيء من بياناتك.
stopped = تم الإيقاف. أُلغي كل ما سمحت به لدى { $bank }، ولن يصلك شيء بعد الآن. يمكنك الربط من جديد متى شئت.
unlinked = تم. لم يعد { $bank } مرتبطًا بهذه المحادثة، وأُلغي كل ما سمحت به.
nothing-to-stop = لا يوجد ما يحتاج إلى إيقاف: لا بنك مرتبط بهذه المحادثة، ولا شيء يُرسل.
not-allowed = لم تسمح بهذا هنا: { $purpose }. يمكنك تغيير ذلك متى شئت.
not-offered = لا يتيح { $bank } هذا في المحادثة حاليًا. لم تتم مشاركة شيء.
bank-unreachable = لا يستجيب { $bank } في الوقت الحالي. يُرجى المحاولة بعد بضع دقائق.
updates-paused = المشاركة من { $bank } متوقفة في الوقت الحالي، ولا يُرسل شيء ما دامت كذلك.

## اللغات

language-name = العربية
language-choose = أيّ لغة تفضّل؟ · Which language do you prefer?
language-set = حسنًا، سنتحدث بالعربية.

## الأزرار والردود السريعة

button-open = فتح
button-link-page = فتح في المتصفح
button-privacy = صفحة خصوصيتي
button-change = تغيير
quick-balance = رصيدي
quick-recent = آخر المعاملات
quick-help = مساعدة
quick-privacy = خصوصيتي
quick-link = ربط حسابي البنكي
quick-again = إعادة المحاولة

## ملف ماسنجر

profile-greeting = رصيدك وما أنفقته في محادثة، مع إعلامك عند كل حركة. القرار لك فيما يُعرض هنا، ويمكنك إيقافه متى شئت.
menu-balance = رصيدي
menu-recent = آخر المعاملات
menu-link = ربط حسابي البنكي
menu-privacy = خصوصيتي
menu-language = اللغة · Language
menu-person = التحدث مع موظف
menu-help = مساعدة
menu-stop = إيقاف كل شيء
