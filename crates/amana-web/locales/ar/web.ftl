### صفحات البوابة بالعربية. هادئة، واضحة، دقيقة. المتغيرات يعزلها Fluent: لا يُكتب U+2068 هنا.
### نصوص صفحة الموافقة جزء من الإشعار الذي تُحفظ بصمته في كل موافقة.

## الإطار

brand = أمانة
skip = الانتقال إلى محتوى الصفحة
language-other = English
language-switch = تغيير اللغة إلى الإنجليزية
foot-promise = لا يخرج شيء من بنكك دون موافقتك، ولك أن ترى كل ما خرج.
foot-privacy = صفحة خصوصيتي
title-home = بنكك في محادثتك
title-link = ربط حسابك البنكي
title-consent = اختيار ما تمكن مشاركته
title-done = تم الربط
title-privacy = خصوصيتي
title-enter = الدخول إلى صفحتك الخاصة
title-accounts = حساباتي الآن

## الصفحة الأولى

home-heading = بنكك في محادثتك، وبشروطك أنت
home-lead = تنقل «أمانة» رصيدك ومدفوعاتك إلى ماسنجر. يشغّلها بنكك نفسه، ولا تعرض شيئًا إلا بموافقتك عليه.
home-one = القرار لك
home-one-text = لكل غرض خانته وحساباته ونهايته. ولا توجد خانة محددة مسبقًا.
home-two = وترى كل شيء
home-two-text = في صفحة خصوصيتك كل رسالة حملت شيئًا من بياناتك: متى، ولماذا، وبنصها الكامل.
home-three = ولك أن تتوقف
home-three-text = بلمسة واحدة تسحب موافقتك، ويسري ذلك من الرسالة التالية.
home-start = للبدء: افتح محادثة بنكك في ماسنجر، واكتب «ربط حسابي البنكي».

## اختيار البنك

link-heading = أي بنك تريد ربطه؟
link-lead = تسجيل الدخول يكون في صفحة بنكك نفسه، ولا نرى كلمة مرورك أبدًا.
link-steps = ما الذي يحدث بعد ذلك
link-step-one = تسجّل الدخول لدى بنكك، وتختار حساباتك هناك.
link-step-two = تختار هنا، غرضًا غرضًا، ما الذي يُسمح لماسنجر بعرضه.
link-step-three = تعود إلى المحادثة.
link-person = سيتم ربط محادثة { $person } على ماسنجر. إذا لم تكن هذه محادثتك فقد أرسل إليك أحدهم رابطه هو: يُرجى إغلاق هذه الصفحة.
link-none = لا يوجد في الوقت الحالي بنك يمكن ربطه من هذه الصفحة.
link-once = هذه الصفحة لك وحدك. رابطها يعمل مرة واحدة ولمدة عشر دقائق.
enter-heading = تسجيل الدخول لدى بنكك
enter-lead = تعرض هذه الصفحة ما هو لك وحدك، ولذلك يتحقق بنكك من هويتك أولًا.
enter-button = تسجيل الدخول لدى { $bank }
enter-why = لا توجد كلمة مرور لدينا ولا سر في الرابط. بنكك يتحقق من هويتك، فيظهر لك ما هو لك.

## ما لم يقله الإشعار

accounts-heading = حساباتك لدى { $bank }
accounts-lead = قُرئت من بنكك الآن لاطلاعك وحدك. لا يرى ماسنجر هذه الصفحة.
accounts-owed = المستحق عليك
accounts-booked = الرصيد المقيد
accounts-available = المتاح
accounts-latest = آخر العمليات
accounts-quiet = لا توجد حركة في آخر 30 يومًا.
accounts-when = التاريخ
accounts-what = العملية
accounts-amount = المبلغ
accounts-pending = قيد التنفيذ

## الموافقة

consent-heading = ما الذي يشاركه { $bank } مع ماسنجر؟
consent-lead = لا توجد خانة محددة مسبقًا. حدّد ما تريد واترك الباقي، ولك أن تسحب كل شيء متى شئت.
consent-purposes = لأي غرض
consent-purposes-hint = كل غرض قائم بذاته.
consent-data = نحتاج إلى:
consent-form = كم يمكن لماسنجر أن يرى؟
consent-accounts = أي الحسابات
consent-accounts-hint = تسري على كل ما حددته أعلاه.
consent-accounts-none = لم يشارك بنكك أي حساب.
consent-days = لأي مدة
consent-days-hint = تنتهي الموافقة تلقائيًا، ولا نجددها أبدًا دون سؤالك.
consent-days-option =
    { $count ->
        [one] يوم واحد
        [two] يومان
        [few] { $count } أيام
        [many] { $count } يومًا
       *[other] { $count } يوم
    }
consent-days-year = 365 يومًا (سنة كاملة، وهي أطول مدة)
consent-sees = ما سيراه ماسنجر
consent-sees-one = الرسائل في محادثتك، بالقدر الذي تختاره هنا.
consent-sees-two = أن هذه المحادثة مرتبطة مع { $bank }.
consent-sees-three = تشغّل «ميتا» تطبيق ماسنجر، ويمكنها قراءة ما يظهر في المحادثة.
consent-not = ما لن يحصل عليه ماسنجر أبدًا
consent-not-one = كلمة مرورك أو رقم حسابك الكامل.
consent-not-two = أي شيء لم تحدده.
consent-not-three = أي شيء بعد أن توقف المشاركة أو تنتهي المدة.
consent-use = لا يعطي { $bank } بياناتك لماسنجر من أجل الإعلانات أو تحليل الشخصية أو البيع. لا يمكن لأحد اختيار غرض كهذا هنا.
consent-allow = السماح
consent-refuse = عدم السماح
consent-refuse-hint = عند عدم السماح لا تتم مشاركة شيء، ونعيد إذن الوصول إلى بنكك.
consent-none-offered = لا يسمح { $bank } لماسنجر بحمل أي شيء في الوقت الحالي، فلا يوجد ما يحتاج إلى موافقتك.
consent-errors = يُرجى مراجعة ما يلي
consent-error-purpose = حدّد غرضًا واحدًا على الأقل، أو اختر «عدم السماح».
consent-error-account = حدّد حسابًا واحدًا على الأقل.
consent-error-days = اختر المدة.
consent-error-form = اختر لكل غرض كم يمكن لماسنجر أن يرى.
consent-error-changed = تغيّر ما يعرضه بنكك أثناء فتح هذه الصفحة. يُرجى قراءتها من جديد ثم الاختيار.

form-notice = إشعار فقط
form-summary = المبالغ دون أسماء
form-detail = كل التفاصيل
form-short-notice = إشعار فقط
form-short-summary = المبالغ دون أسماء
form-short-detail = كل التفاصيل

purpose-BalanceOnRequest = رصيدي عندما أسأل
purpose-BalanceUpdate = إعلامي عند تغيّر رصيدي
purpose-TransactionUpdate = مدفوعاتي وإيداعاتي
purpose-ReceiptUpdate = إيصالات مشترياتي
purpose-DeliveryUpdate = أخبار توصيل طلباتي
purpose-SecurityAlert = التنبيه إلى احتيال محتمل
purpose-CustomerService = مساعدة من موظفي البنك
purpose-BankOffer = عروض البنك نفسه
purpose-PersonToPersonTransfer = إرسال المال إلى الأشخاص
why-BalanceOnRequest = للإجابة عندما تسأل عن رصيدك
why-BalanceUpdate = لإعلامك عندما يتغير رصيدك
why-TransactionUpdate = لإعلامك عند كل حركة مالية، وللإجابة عما أنفقته
why-ReceiptUpdate = لعرض ما اشتريته
why-DeliveryUpdate = لإعلامك بموعد وصول طلبك
why-SecurityAlert = لتنبيهك إلى دفعة قد لا تكون منك
why-CustomerService = ليتمكن موظف في بنكك من مساعدتك
why-BankOffer = لعرض ما يقدمه بنكك نفسه
why-PersonToPersonTransfer = لإرسال المال عندما تطلب ذلك

example = في المحادثة:
example-BalanceOnRequest-notice = حساباتك في صفحتك الخاصة: تُفتح بعد تسجيل الدخول لدى بنكك.
example-BalanceOnRequest-summary = المتاح { $balance }
example-BalanceOnRequest-detail = { $account }: المتاح { $balance } · المقيّد { $booked }
example-BalanceUpdate-notice = هناك جديد بشأن حسابك.
example-BalanceUpdate-summary = تغيّر رصيدك: { $balance }
example-BalanceUpdate-detail = تغيّر رصيدك. { $account }: { $balance }
example-TransactionUpdate-notice = هناك جديد بشأن حسابك.
example-TransactionUpdate-summary = دفعت { $paid }.
example-TransactionUpdate-detail = دفعت { $paid } لدى { $shop }.
example-account = الحساب الجاري
example-shop = مقهى الزهراء

cluster-ACCOUNT_BASIC = معلومات التعريف بالحساب
cluster-BALANCES = أرصدة الحسابات
cluster-TRANSACTIONS = بيانات المعاملات
cluster-TRANSFERS = التحويلات
cluster-ORDERS = ما طلبته
cluster-DELIVERIES = مكان شحنتك

kind-checking = حساب جارٍ
kind-savings = حساب توفير
kind-credit-card = بطاقة ائتمان
kind-loan = قرض
kind-other = حساب

## تم

done-heading = تم ربط حسابك البنكي
done-lead = سُجّل ما سمحت به. يمكنك إغلاق هذه الصفحة والعودة إلى محادثتك.
done-privacy = عرض صفحة خصوصيتي
done-stop = لك أن توقف المشاركة متى شئت: اكتب «إيقاف» في المحادثة، أو استخدم صفحة خصوصيتك.

## صفحة الخصوصية

privacy-heading = ما شاركه { $bank } مع ماسنجر
privacy-lead = كل رسالة حملت شيئًا من بياناتك بنصها الكامل، وكل ما سمحت به. لا يرى هذه الصفحة أحد سواك.
privacy-allowed = ما تسمح به الآن
privacy-allowed-none = لا تسمح بشيء في الوقت الحالي، ولا يذهب شيء من بياناتك إلى ماسنجر.
privacy-allowed-again = يمكنك ربط حسابك البنكي من جديد من المحادثة متى شئت.
privacy-given = مُنحت في { $at }
privacy-until = تنتهي تلقائيًا في { $at }
privacy-accounts =
    { $count ->
        [zero] دون حسابات
        [one] حساب واحد
        [two] حسابان
        [few] { $count } حسابات
        [many] { $count } حسابًا
       *[other] { $count } حساب
    }
privacy-stop-one = إيقاف
privacy-stop-one-label = إيقاف مشاركة: { $purpose }
privacy-stop-all = إيقاف مشاركة كل شيء
privacy-stop-hint = يسري ذلك من الرسالة التالية، ونُعلم بنكك به أيضًا.
privacy-ended = موافقات سابقة
privacy-ended-expired = انتهت تلقائيًا في { $at }
privacy-ended-revoked = تراجعتَ عنها في { $at }
privacy-done-all = تم الإيقاف. انتهت موافقتك، ولن يُرسل شيء بعد الآن.
privacy-done-one = تم الإيقاف. لن يُرسل ما أوقفته مرة أخرى، ويستمر الباقي كما كان.
privacy-timeline = ما حدث
privacy-timeline-hint = الأحدث أولًا، والأوقات بالتوقيت العالمي UTC. أرقام الإيصالات التي بينها تسجّل ما آلت إليه كل رسالة.
privacy-timeline-none = لم تتم مشاركة شيء حتى الآن.
privacy-timeline-none-hint = عندما تحمل رسالة شيئًا من بياناتك، تُدرج هنا فورًا.
privacy-older = القيود الأقدم
privacy-accounts-now = حساباتي كما هي الآن
privacy-leave = تسجيل الخروج
privacy-left = تم تسجيل خروجك.
entry-disclosure = قيل لماسنجر:
entry-disclosure-unread = قيل لماسنجر شيء لم يعد عرض نصه ممكنًا.
entry-planned = مُعَدّ لماسنجر:
entry-denial = لم يُرسل
entry-consent = منحتَ موافقتك
entry-revocation = تراجعتَ عن موافقتك
entry-erasure = مُحيت بياناتك
entry-view = اطُّلع على بياناتك
entry-receipt = الإيصال { $number }
entry-because = السبب
entry-data = البيانات
entry-form = ما رآه ماسنجر
because-BalanceOnRequest = سألتَ عن رصيدك
because-BalanceUpdate = تغيّر رصيدك
because-TransactionUpdate = حدثت حركة مالية أو سألتَ عنها
because-ReceiptUpdate = اشتريتَ شيئًا
because-DeliveryUpdate = طلبك في الطريق
because-SecurityAlert = بدت إحدى الدفعات غير معتادة
because-CustomerService = طلبتَ المساعدة
because-BankOffer = سمحتَ بالعروض
because-PersonToPersonTransfer = أرسلتَ مالًا
state-pending = في انتظار الإرسال
state-sending = قيد الإرسال
state-unconfirmed = أُرسل ولم يتأكد بعد
state-held = ينتظر أن تكتب في المحادثة
state-sent = وصل
state-dead = تعذّر الإرسال
state-denied = مُنع قبل خروجه
denial-killed = كانت المشاركة معطّلة حفاظًا على السلامة.
denial-agreement = لا يسمح بنكك لماسنجر بحمل هذا.
denial-no-consent = لم تكن قد سمحت به.
denial-consent-revoked = كنت قد تراجعت عن موافقتك.
denial-consent-expired = كانت مدة موافقتك قد انتهت.
denial-purpose = لم تكن قد سمحت بهذا الغرض.
denial-account = لم تكن قد سمحت بهذا الحساب.
denial-cluster = لم تكن قد سمحت بهذا النوع من البيانات.
denial-recipient = لم يكن مؤكدًا أن المحادثة لك.
denial-policy = لم تسمح به قواعد بنكك نفسه.
denial-late = طال انتظاره أكثر مما يجوز.
denial-other = لم يكن كل شيء على ما يرام، فبقيت البيانات لدى البنك.

## عندما لا ينجح شيء

error-again = عُد إلى المحادثة واطلب رابطًا جديدًا.
error-over-heading = هذا الرابط مستخدم أو منتهٍ
error-over = تعمل الروابط مرة واحدة ولمدة عشر دقائق. إن كنت قد اخترت «السماح» أو «عدم السماح»، فقد سُجّل اختيارك مرة واحدة، وكل شيء على ما يرام.
error-foreign-heading = هذا العنوان ليس لماسنجر
error-foreign = طُلب منا تحويلك إلى مكان لا يتبع ماسنجر، فلم نفعل. لم تتم مشاركة شيء.
error-institution-heading = هذا البنك غير متاح هنا
error-institution = لا يمكن ربط البنك المختار في هذه المحادثة.
error-declined-heading = لم يُربط شيء
error-declined = اخترت الرفض، ولم تتم مشاركة شيء. يمكنك العودة متى شئت.
error-bank-heading = البنك لا يستجيب
error-bank = تعذّر الوصول إلى بنكك، أو لم يكن رده صحيحًا. لم تتم مشاركة شيء. يُرجى المحاولة بعد بضع دقائق.
error-not-linked-heading = لا يوجد ربط
error-not-linked = لا توجد محادثة مرتبطة باسم من سجّل الدخول، ولذلك لا يوجد ما يُعرض.
error-no-accounts-heading = لم يُشارك أي حساب
error-no-accounts = لم يُختر أي حساب في صفحة بنكك، فلا يوجد ما يمكن ربطه. يُرجى اختيار حساب واحد على الأقل.
error-platform-heading = لم يؤكد ماسنجر المحادثة
error-platform = انتهت صلاحية الرابط القادم من ماسنجر، أو أن ماسنجر لا يستجيب. لم تتم مشاركة شيء.
error-consent-heading = لا يمكن تسجيل هذه الموافقة
error-consent = ما أُرسل ليس من الخيارات التي تعرضها هذه الصفحة. لم يُسجّل شيء.
error-foreign-post-heading = هذا لم يأتِ من صفحتنا
error-foreign-post = أُرسل النموذج من موقع آخر، فلم نفعل شيئًا.
error-too-large-heading = هذا أكثر مما يلزم
error-too-large = ما أُرسل أكبر مما تقبله هذه الصفحة. لم يحدث شيء.
error-not-found-heading = لا توجد صفحة كهذه
error-not-found = العنوان غير صحيح، أو لم تعد الصفحة موجودة.
error-method-heading = لا يمكن ذلك هنا
error-method = لا يقبل هذا العنوان طلبًا من هذا النوع.
error-busy-heading = لحظة من فضلك
error-busy = لا يمكننا تسجيل شيء الآن. لم يضِع شيء؛ يُرجى المحاولة بعد دقيقة.
error-internal-heading = حدث خطأ من جانبنا
error-internal = لم تتم مشاركة شيء. يُرجى المحاولة من جديد؛ وإن تكرر ذلك فأخبر بنكك.
error-home = إلى الصفحة الأولى
