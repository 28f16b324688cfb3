### صفحات البوابة بالعربية. هادئة، واضحة، دقيقة. المتغيرات يعزلها Fluent: لا يُكتب U+2068 هنا.
### نصوص صفحة الموافقة جزء من الإشعار الذي تُحفظ بصمته في كل موافقة.

## الإطار

brand = أمانة
skip = الانتقال إلى محتوى الصفحة
language-other = English
language-switch = تغيير اللغة إلى الإنجليزية
foot-promise = لا يخرج شيء من بنكك دون موافقتك، ولك أن ترى كل ما خرج، إلا ما يكتبه لك موظفو البنك بأنفسهم.
foot-privacy = صفحة خصوصيتي
title-home = بنكك في محادثتك
title-link = ربط حسابك البنكي
title-consent = اختيار ما تمكن مشاركته
title-done = تم الربط
title-privacy = خصوصيتي
title-enter = الدخول إلى صفحتك الخاصة
title-accounts = حساباتي الآن
title-notice = رسالة من بنكك
title-passkeys = مفاتيح المرور الخاصة بي
title-verify = التحقق بنفسك

## الصفحة الأولى

home-heading = بنكك في محادثتك، وبشروطك أنت
home-lead = تنقل «أمانة» رصيدك ومدفوعاتك إلى ماسنجر. يشغّلها بنكك نفسه، ولا تعرض شيئًا إلا بموافقتك عليه.
home-one = القرار لك
home-one-text = لكل غرض خانته وحساباته ونهايته. ولا توجد خانة محددة مسبقًا.
home-two = وترى كل شيء
home-two-text = في صفحة خصوصيتك كل رسالة حملت شيئًا من بياناتك: متى، ولماذا، وبنصها الكامل. أما ما يكتبه لك موظفو البنك بأنفسهم فتذكر الصفحة أنهم كتبوه، لا نصه.
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
elsewhere-heading = تابِع في متصفحك
elsewhere-lead = فُتحت هذه الصفحة داخل تطبيق محادثة. ويستطيع هذا التطبيق أن يقرأ معك أثناء تسجيل دخولك لدى بنكك، وأن يرى أسماء حساباتك. لذلك يتم الربط في متصفحك.
elsewhere-menu = افتح قائمة هذه النافذة (⋯ أو ⋮) واختر «فتح في المتصفح».
elsewhere-copy = أو اضغط مطولًا على هذا الرابط، وانسخه، ثم الصقه في متصفحك:
elsewhere-nobody = هذا الرابط لك وحدك. لا تُعطه لأحد.
elsewhere-get = احصل على رابطي
elsewhere-get-how = تحصل على رابط يعمل في أي متصفح، مرة واحدة ولمدة عشر دقائق.
enter-heading = تسجيل الدخول لدى بنكك
enter-lead = تعرض هذه الصفحة ما هو لك وحدك، ولذلك يتحقق بنكك من هويتك أولًا.
enter-button = تسجيل الدخول لدى { $bank }
enter-why = لا توجد كلمة مرور لدينا ولا سر في الرابط. بنكك يتحقق من هويتك، فيظهر لك ما هو لك.

## ما لم يقله الإشعار

notice-heading = رسالة من بنكك
notice-lead = عرف ماسنجر أن هناك جديدًا، ولم يعرف ما هو. يتحقق بنكك من هويتك أولًا، ثم تُعرض الرسالة هنا مرة واحدة.
notice-open = فتح الرسالة
notice-passkey = فتح بمفتاح مرور
notice-no-passkeys = لا يعرف هذا المتصفح مفاتيح المرور، وكثيرًا ما تخلو منها المتصفحات داخل التطبيقات الأخرى. تسجيل الدخول لدى بنكك يفتح الرسالة أيضًا.
notice-accounts = عرض حساباتي كما هي الآن
notice-noscript = لا تستطيع هذه الصفحة دون جافاسكربت أن تعرف أي رسالة تريد. أما حساباتك كما هي الآن فلا تحتاج إليه: اتبع الرابط أدناه وسجّل الدخول لدى بنكك.
notice-incomplete = العنوان غير مكتمل، فلا نعرف أي رسالة تريد. اضغط الزر في المحادثة مرة أخرى.
notice-ready-heading = تم تسجيل الدخول
notice-ready-lead = تُعرض الرسالة مرة واحدة في الصفحة التالية. تأكد أولًا من أن أحدًا لا يقرأ معك.
notice-show = عرض الرسالة
notice-shown-heading = رسالتك من { $bank }
notice-shown-lead = هذه لاطلاعك وحدك: عرف ماسنجر أن هناك جديدًا، ولم يعرف هذا. ولا تُعرض مرة ثانية.
notice-shown-receipts = الإيصال { $look } يسجّل اطلاعك، والإيصال { $notice } يسجّل ما أُرسل إلى ماسنجر.
notice-shown-passkeys = افتح الرسالة التالية بمفتاح مرور

## مفاتيح المرور

passkey-ask-heading = أثبت أنك أنت
passkey-ask-lead = يطلب جهازك وجهك أو إصبعك أو رمزه، ثم تُعرض الرسالة مرة واحدة. تأكد أولًا من أن أحدًا لا يقرأ معك.
passkey-ask-go = استخدام مفتاح المرور
passkey-ask-failed = لم يُستخدم أي مفتاح مرور. حاول مرة أخرى، أو افتح الرسالة بتسجيل الدخول لدى بنكك.
passkey-ask-else = لا مفتاح مرور لديك هنا؟
passkey-ask-bank = تسجيل الدخول لدى بنكي بدلًا من ذلك
passkey-noscript = تحتاج مفاتيح المرور إلى جافاسكربت. أما تسجيل الدخول لدى بنكك فلا يحتاج إليه.
passkey-missing = لا يعرف هذا المتصفح مفاتيح المرور، وكثيرًا ما تخلو منها المتصفحات داخل التطبيقات الأخرى. افتح الصفحة في متصفح جهازك، أو سجّل الدخول لدى بنكك.
passkey-name = { $bank }: الرسائل
passkeys-heading = مفاتيح المرور لرسائل { $bank }
passkeys-lead = يفتح مفتاح المرور رسالة لم يُخبَر بها ماسنجر، دون تسجيل الدخول لدى بنكك. ولا يفتح غيرها: هذه الصفحة وحساباتك تحتاج إلى تسجيل الدخول كما كانت.
passkeys-what = يبقى مفتاح المرور على جهازك، أو لدى من يحفظ مفاتيح مرورك. لا نحتفظ إلا بما يكفي للتعرّف عليه، ولا تصلنا بصمة ولا صورة وجه أبدًا.
passkeys-yours = مفاتيحك
passkeys-none = ليس لديك أي مفتاح بعد.
passkeys-made = أُضيف { $at }
passkeys-used = آخر استخدام { $at }
passkeys-unused = لم يُستخدم بعد
passkeys-synced = قد يكون على عدة أجهزة لك
passkeys-one-device = على جهاز واحد فقط
passkeys-remove = إزالة
passkeys-remove-label = إزالة مفتاح المرور الذي أُضيف { $at }
passkeys-add-heading = إضافة مفتاح مرور
passkeys-add = إضافة مفتاح مرور
passkeys-add-hint = على جهاز لك وحدك: من يستطيع فتح قفله يستطيع فتح رسائلك.
passkeys-full = لديك أكبر عدد ممكن. أزل مفتاحًا لا تحتاج إليه.
passkeys-login-first = يجب أن يكون بنكك قد تحقق من هويتك خلال الدقائق العشر الأخيرة، حتى لا يضيف غيرك مفتاحًا باسمك.
passkeys-login = تسجيل الدخول لدى بنكي مرة أخرى
passkeys-not-here = لا مفاتيح مرور في هذا العنوان: تحتاج إلى اتصال آمن وإلى اسم نطاق.
passkeys-done-added = أُضيف مفتاح المرور. اختر في المرة القادمة «فتح بمفتاح مرور».
passkeys-done-removed = أُزيل مفتاح المرور ولم يعد يفتح شيئًا. احذفه من جهازك أيضًا.
passkey-make-heading = إضافة مفتاح مرور على هذا الجهاز
passkey-make-lead = يسألك جهازك أين يحفظه، ويطلب وجهك أو إصبعك أو رمزه.
passkey-make-go = إنشاء مفتاح المرور
passkey-make-failed = لم يُنشأ أي مفتاح مرور. أُلغي الأمر، أو أن على هذا الجهاز مفتاحًا من قبل. يمكنك المحاولة مرة أخرى.
passkey-make-back = العودة دون مفتاح

accounts-ends = ينتهي:
accounts-for = الغرض:
accounts-heading = حساباتك لدى { $bank }
accounts-incomplete = تعذّرت الآن قراءة بعض الحسابات أو الأرصدة.
accounts-lead = قُرئت من بنكك الآن لاطلاعك وحدك. لا يرى ماسنجر هذه الصفحة.
accounts-link = الربط { $count }
accounts-linked = رُبط في:
accounts-same = الحسابات نفسها المذكورة أعلاه.
accounts-unread = تعذّرت الآن قراءة حسابات هذا الربط.

## الموافقة

title-renew = تجديد
renew-heading = هل يستمر الأمر مع { $bank }؟
renew-lead = كما كان من قبل. سيسألك بنكك مرة أخرى، ويمكنك أن تختار هناك حسابات أقل.
renew-length =
    { $count ->
        [zero] لا مدة للتجديد.
        [one] لمدة يوم واحد من التجديد، ثم ينتهي تلقائيًا.
        [two] لمدة يومين من التجديد، ثم ينتهي تلقائيًا.
        [few] لمدة { $count } أيام من التجديد، ثم ينتهي تلقائيًا.
        [many] لمدة { $count } يومًا من التجديد، ثم ينتهي تلقائيًا.
       *[other] لمدة { $count } يوم من التجديد، ثم ينتهي تلقائيًا.
    }

renew-go = التجديد لدى { $bank }
renew-not = إن لم ترد أن يستمر فأغلق هذه الصفحة، وسينتهي تلقائيًا.
privacy-renew = تجديد
privacy-done-renewed = تم التجديد. يستمر ما سمحت به كما كان.

consent-heading = ما الذي يشاركه { $bank } مع ماسنجر؟
consent-lead = لا توجد خانة محددة مسبقًا. حدّد ما تريد واترك الباقي، ولك أن تسحب كل شيء متى شئت.
consent-purposes = لأي غرض
consent-purposes-hint = كل غرض قائم بذاته.
consent-form = كم يمكن لماسنجر أن يرى؟
consent-accounts = أي الحسابات
consent-accounts-hint = تسري على كل ما حددته أعلاه.
consent-days = لأي مدة
consent-days-bank =
    { $count ->
        [one] لا يسمح { $bank } بأكثر من يوم واحد، ويمكنك التجديد قبل انتهائه.
        [two] لا يسمح { $bank } بأكثر من يومين، ويمكنك التجديد قبل انتهائهما.
        [few] لا يسمح { $bank } بأكثر من { $count } أيام، ويمكنك التجديد قبل انتهائها.
        [many] لا يسمح { $bank } بأكثر من { $count } يومًا، ويمكنك التجديد قبل انتهائها.
       *[other] لا يسمح { $bank } بأكثر من { $count } يوم، ويمكنك التجديد قبل انتهائها.
    }
consent-days-hint = تنتهي الموافقة تلقائيًا، ولا نجددها أبدًا دون سؤالك.
consent-days-option =
    { $count ->
        [one] يوم واحد
        [two] يومان
        [few] { $count } أيام
        [many] { $count } يومًا
       *[other] { $count } يوم
    }
consent-history =
    { $count ->
        [zero] عند سؤالك عن مدفوعاتك لا نطلب من بنكك شيئًا من قبل.
        [one] عند سؤالك عن مدفوعاتك نطلب من بنكك ما يخص اليوم الأخير فقط.
        [two] عند سؤالك عن مدفوعاتك نطلب من بنكك ما يخص آخر يومين فقط.
        [few] عند سؤالك عن مدفوعاتك نطلب من بنكك ما يخص آخر { $count } أيام فقط.
        [many] عند سؤالك عن مدفوعاتك نطلب من بنكك ما يخص آخر { $count } يومًا فقط.
       *[other] عند سؤالك عن مدفوعاتك نطلب من بنكك ما يخص آخر { $count } يوم فقط.
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
consent-certify = يتعهد { $bank } بما يأتي: لا يقرأ إلا ما يلزم لما اخترته، ولا يستخدمه لغير ذلك، ويحميه، ولا ينقله إلى أحد سوى هذه المحادثة، ويحذفه بُعيد انتهاء ما سمحت به، ويتوقف متى طلبت ذلك.
consent-aggregator = لا تُطلب البيانات من { $bank } مباشرة بل عبر { $aggregator }، وهو مُجمِّع بيانات: يجلب ما تسمح به هنا ويسلمه إلى خدمة { $bank } في هذه المحادثة، ويتعهد بالالتزام بالحدود نفسها.
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
why-BalanceOnRequest = للإجابة عندما تسأل عن رصيدك، نحتاج إلى الاطلاع على: { $data }.
why-BalanceUpdate = لإعلامك عندما يتغير رصيدك، نحتاج إلى الاطلاع على: { $data }.
why-TransactionUpdate = لإعلامك عند كل حركة مالية، وللإجابة عما أنفقته، نحتاج إلى الاطلاع على: { $data }.
why-ReceiptUpdate = لعرض ما اشتريته، نحتاج إلى الاطلاع على: { $data }.
why-DeliveryUpdate = لإعلامك بموعد وصول طلبك، نحتاج إلى الاطلاع على: { $data }.
why-SecurityAlert = لتنبيهك إلى دفعة قد لا تكون منك، نحتاج إلى الاطلاع على: { $data }.
why-CustomerService = ليتمكن موظف في بنكك من مساعدتك، نحتاج إلى الاطلاع على: { $data }.
why-BankOffer = لعرض ما يقدمه بنكك نفسه، نحتاج إلى الاطلاع على: { $data }.
why-PersonToPersonTransfer = لإرسال المال عندما تطلب ذلك، نحتاج إلى الاطلاع على: { $data }.

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


## تم

done-heading = تم ربط حسابك البنكي
done-lead = سُجّل ما سمحت به. يمكنك إغلاق هذه الصفحة والعودة إلى محادثتك.
done-privacy = عرض صفحة خصوصيتي
done-stop = لك أن توقف المشاركة متى شئت: اكتب «إيقاف» في المحادثة، أو استخدم صفحة خصوصيتك.

## صفحة الخصوصية

privacy-heading = ما شاركه { $bank } مع ماسنجر
privacy-lead = كل رسالة حملت شيئًا من بياناتك بنصها الكامل، وكل ما سمحت به. أما ما يكتبه لك موظفو البنك بأنفسهم فيُذكر هنا أنهم كتبوه، لا نصه. لا يرى هذه الصفحة أحد سواك.
privacy-allowed = ما تسمح به الآن
privacy-allowed-none = لا تسمح بشيء في الوقت الحالي، ولا يذهب شيء من بياناتك إلى ماسنجر.
privacy-allowed-again = يمكنك ربط حسابك البنكي من جديد من المحادثة متى شئت.
privacy-given = مُنحت في { $at }
privacy-until = تنتهي تلقائيًا في { $at }
privacy-paused-switch = لا يُنقل شيء من هذا إلى ماسنجر في الوقت الحالي: المشاركة معطّلة حفاظًا على السلامة.
privacy-paused-agreement = لا يُنقل شيء من هذا إلى ماسنجر في الوقت الحالي: لا يسمح بنكك لماسنجر بحمله.
privacy-paused-unreadable = لا يُنقل شيء من هذا إلى ماسنجر في الوقت الحالي: تعذّرت قراءة ما حدّده بنكك.
privacy-paused-purpose = لا يُنقل هذا في الوقت الحالي: لا يسمح بنكك لماسنجر بحمله.
privacy-less = ما يُنقل في الوقت الحالي: { $form }. لا يسمح بنكك لماسنجر بحمل أكثر من ذلك.
privacy-paused-purpose-switch = لا يُنقل هذا في الوقت الحالي: هذا النوع من المشاركة معطّل حفاظًا على السلامة.
privacy-from = من
privacy-through = عبر
privacy-to = إلى
privacy-platform = ماسنجر (ميتا)، في محادثتك أنت
privacy-last = آخر إرسال
privacy-last-never = لا شيء بعد
privacy-last-not-lately = ليس بين أحدث إيصالاتك
privacy-accounts =
    { $count ->
        [zero] دون حسابات
        [one] حساب واحد
        [two] حسابان
        [few] { $count } حسابات
        [many] { $count } حسابًا
       *[other] { $count } حساب
    }
privacy-consent-save = حفظ هذه الموافقة كوثيقة
privacy-consent-save-label = حفظ هذه الموافقة كوثيقة، مُنحت في { $at }
privacy-stop-one = إيقاف
privacy-stop-one-label = إيقاف مشاركة: { $purpose }
privacy-stop-all = إيقاف مشاركة كل شيء
privacy-stop-hint = في كل محادثة، ومن الرسالة التالية، ونُعلم بنكك به أيضًا.
privacy-ended = موافقات سابقة
privacy-ended-expired = انتهت تلقائيًا في { $at }
privacy-ended-withdrawn = تراجعتَ عنها في { $at }
privacy-ended-replaced = تراجعتَ عن جزء منها في { $at }، ويستمر الباقي في موافقة أخرى
privacy-ended-renewed = منحتَها من جديد في { $at }، والأحدث هي السارية
privacy-ended-unconfirmed = انتهت في { $at } لأن المحادثة لم تُؤكَّد
privacy-ended-at-bank = انتهت أو قُلِّصت لدى بنكك، ولوحظ ذلك في { $at }
privacy-ended-unsaid = انتهت في { $at }
privacy-done-all = تم الإيقاف. انتهت موافقتك، ولن يُرسل شيء من بياناتك بعد الآن.
privacy-done-one = تم الإيقاف. لن يُرسل ما أوقفته مرة أخرى، ويستمر الباقي كما كان.
privacy-timeline = ما حدث
privacy-timeline-hint = الأحدث أولًا، والأوقات بالتوقيت العالمي UTC. الأرقام التي لا تظهر هنا إيصالات بما آلت إليه كل رسالة.
privacy-timeline-none = لم تتم مشاركة شيء حتى الآن.
privacy-timeline-none-hint = عندما تحمل رسالة شيئًا من بياناتك، تُدرج هنا فورًا.
privacy-older = القيود الأقدم
privacy-newest = العودة إلى الأحدث
privacy-today = اليوم، { $date }
privacy-yesterday = أمس، { $date }
privacy-filter = عرض
privacy-filter-purpose = الغرض
privacy-filter-kind = النوع
privacy-filter-period = المدة
privacy-filter-all-purposes = كل الأغراض
privacy-filter-all-kinds = كل شيء
privacy-filter-told = ما قيل لماسنجر
privacy-filter-refused = ما لم يُقل له
privacy-filter-consents = ما سمحتُ به وما سحبته
privacy-filter-looks = الاطلاع على بياناتي
privacy-filter-others = ما كتبه غيرنا في محادثتي
privacy-filter-always = كل الأوقات
privacy-filter-days =
    { $count ->
        [zero] آخر { $count } يوم
        [one] آخر يوم
        [two] آخر يومين
        [few] آخر { $count } أيام
        [many] آخر { $count } يومًا
       *[other] آخر { $count } يوم
    }
privacy-filter-go = عرض
privacy-filter-clear = عرض كل شيء
privacy-filter-none = لا يوجد ما يطابق.
privacy-filter-none-hint = لم يحدث شيء من هذا النوع في هذه المدة.
privacy-proof = إثباتك
privacy-proof-text = كل سطر أدناه إيصال في سجل عام لا يستطيع أحد تغييره خفيةً، ولا بنكك. لا حاجة إلى تصديق ذلك: تحقّق منه.
privacy-proof-verify = التحقق بنفسك
privacy-proof-save = حفظ إثباتي
privacy-proof-key = عرض مفتاحي
privacy-proof-key-hint = مفتاح واحد يبيّن أي قيود السجل لك. وهو في الملف المحفوظ أيضًا.
privacy-proof-key-label = مفتاح إيصالاتك
privacy-proof-key-text = من يملكه مع إيصالاتك يستطيع أن يرى في السجل أنها لك. ولا يستطيع أحد أن يغيّر به شيئًا أو يرسله.
privacy-proof-key-hide = إخفاؤه من جديد
privacy-totals = بالأرقام
privacy-totals-told =
    { $count ->
        [zero] لم يُقل لماسنجر شيء
        [one] قيل لماسنجر مرة واحدة
        [two] قيل لماسنجر مرتين
        [few] قيل لماسنجر { $count } مرات
        [many] قيل لماسنجر { $count } مرة
       *[other] قيل لماسنجر { $count } مرة
    }
privacy-totals-refused =
    { $count ->
        [zero] دون رفض
        [one] رفض واحد
        [two] رفضان
        [few] { $count } مرات رفض
        [many] { $count } مرة رفض
       *[other] { $count } مرة رفض
    }
privacy-totals-open =
    { $count ->
        [zero] ولا رسالة في الطريق
        [one] رسالة واحدة في الطريق
        [two] رسالتان في الطريق
        [few] { $count } رسائل في الطريق
        [many] { $count } رسالة في الطريق
       *[other] { $count } رسالة في الطريق
    }
privacy-totals-unknown =
    { $count ->
        [zero] ولا رسالة مجهولة المصير
        [one] رسالة واحدة لا يُعرف هل وصلت
        [two] رسالتان لا يُعرف هل وصلتا
        [few] { $count } رسائل لا يُعرف هل وصلت
        [many] { $count } رسالة لا يُعرف هل وصلت
       *[other] { $count } رسالة لا يُعرف هل وصلت
    }
privacy-totals-some = العدّ حتى الإيصال { $number }.
privacy-totals-link = عرض: { $purpose }
privacy-accounts-now = حساباتي كما هي الآن
privacy-rights = كل ما يخصك
privacy-export = خذ كل شيء معك
privacy-export-hint = ملف واحد فيه كل ما نحتفظ به عنك: ما سمحت به، وما قيل، وإيصال كل ذلك.
privacy-erase = محو كل ما يخصني …
privacy-erase-hint = سنسألك مرة أخرى قبل أن يحدث أي شيء.
title-erase = محو كل شيء
erase-heading = هل تريد محو كل ما يخصك؟
erase-lead = لا يمكن لأحد التراجع عن هذا.
erase-stops = تُسحب كل موافقة ويُفك ربط كل محادثة. ويُبلَّغ بنكك بذلك.
erase-keys = تُتلف مفاتيح كل ما نحتفظ به عنك. ولا تستطيع النسخ الاحتياطية إعادته.
erase-log = يحتفظ السجل العام بمدخلاته، ولا يستطيع أحد بعد ذلك ربطها بك. إن أردت التحقق لاحقًا فخذ إثباتك معك أولًا.
erase-platform = ما قيل في المحادثة من قبل موجود لدى المنصة. يمكنك حذفه هناك.
erase-first = قد تريد نسخة قبل ذلك:
erase-go = محو كل شيء
erase-back = لا، احتفظوا به
erased-heading = تم محو كل شيء
erased-text = أُتلفت المفاتيح: لم يعد ممكنًا قراءة أي شيء كان محفوظًا عنك.
erased-log = يحتفظ السجل العام بمدخلاته. ولم يعد أحد يستطيع ربطها بك.
erased-again = يمكنك ربط بنكك من المحادثة من جديد متى شئت. وستكون بداية جديدة.
privacy-leave = تسجيل الخروج
privacy-left = تم تسجيل خروجك.
entry-disclosure = قيل لماسنجر:
entry-disclosure-unread = قيل لماسنجر شيء لم يعد عرض نصه ممكنًا.
entry-maybe-unread = ربما قيل لماسنجر شيء لم يعد عرض نصه ممكنًا.
entry-planned-unread = كان هناك شيء مُعَدّ لماسنجر لم يعد عرض نصه ممكنًا.
entry-maybe = ربما قيل لماسنجر:
entry-planned = مُعَدّ لماسنجر:
entry-denial = لم يُقل لماسنجر شيء
entry-consent = منحتَ موافقتك
entry-consent-renewed = منحتَ موافقتك من جديد
entry-consent-rest = تستمر موافقتك على ما لم تتراجع عنه
entry-consent-narrowed = تستمر موافقتك على ما لا يزال بنكك يشاركه
entry-ended = انتهت موافقة
entry-ended-withdrawn = تراجعتَ عن موافقتك
entry-ended-replaced = تراجعتَ عن جزء من موافقتك
entry-ended-renewed = انتهت موافقتك السابقة لأنك منحتَها من جديد
entry-ended-expired = انتهت موافقتك تلقائيًا بانتهاء مدتها
entry-ended-unconfirmed = انتهت موافقتك لأن المحادثة لم تُؤكَّد
entry-ended-at-bank = انتهت موافقتك أو قُلِّصت لدى بنكك
entry-erasure = مُحيت بياناتك
entry-deleted = حُذف ما كان محفوظًا لموافقة انتهت
entry-deleted-messages =
    { $count ->
        [zero] دون رسائل
        [one] رسالة واحدة
        [two] رسالتان
        [few] { $count } رسائل
        [many] { $count } رسالة
       *[other] { $count } رسالة
    }
entry-deleted-books =
    { $count ->
        [zero] دون سجلات
        [one] سجل واحد بما قيل
        [two] سجلان بما قيل
        [few] { $count } سجلات بما قيل
        [many] { $count } سجلًا بما قيل
       *[other] { $count } سجل بما قيل
    }
entry-view = اطّلعتَ على حساباتك
entry-view-agent = اطّلع موظف في بنكك على بياناتك
entry-view-export = أخذتَ نسخة من كل ما يخصك
entry-view-page = فتحت رسالة لم يعرف ماسنجر ما فيها
entry-view-passkey-added = أُضيف مفتاح مرور
entry-view-passkey-removed = أُزيل مفتاح مرور
entry-view-bundle = جلبتَ إثباتك
entry-stranger = رسالة في محادثتك لم نرسلها نحن
entry-stranger-note = جاءت باسم هذه المحادثة، وليست من الرسائل المسجّلة هنا. نُبّه القائمون على هذه الخدمة. إن طلبت منك شيئًا فلا تفعله.
entry-allowed-app = كتب لك شخص في المحادثة بنفسه
entry-allowed-app-note = جاءت من تطبيق يحق له الكتابة هنا، مثل الصندوق الذي يجيب منه الموظفون. ولا نحتفظ هنا بما قالته.
entry-agent-wrote = كتب لك موظف من البنك من خلال هذه الخدمة
entry-agent-wrote-note = بكلماته هو، لمحادثتك، ولا تُطلب موافقتك عليها. ولا يُحفظ في هذا السجل ما قاله، بل هل تسلّمه ماسنجر.
entry-alarm-closed = نُظر في رسالة لم نرسلها نحن
entry-app = التطبيق
entry-receipt = الإيصال { $number }
entry-purpose = كان الغرض
entry-consent-for = من أجل
entry-chat = المحادثة
entry-chat-one = محادثتك في ماسنجر
entry-chat-linked = رُبطت في { $at }
entry-chat-ended = رُبطت في { $at } وانتهى ربطها
entry-agent = من
entry-data = البيانات
entry-form = ما رآه ماسنجر
because-BalanceOnRequest = لأنك سألتَ عن رصيدك
because-BalanceUpdate = لأنك طلبتَ إعلامك عند تغيّر رصيدك
because-TransactionUpdate = لأنك طلبتَ معرفة مدفوعاتك وإيداعاتك
because-ReceiptUpdate = لأنك طلبتَ إيصالات مشترياتك
because-DeliveryUpdate = لأنك طلبتَ أخبار توصيل طلباتك
because-SecurityAlert = لأنك طلبتَ تنبيهك إلى احتيال محتمل
because-CustomerService = لأنك طلبتَ المساعدة من موظفي بنكك
because-BankOffer = لأنك طلبتَ عروض بنكك نفسه
because-PersonToPersonTransfer = لأنك طلبتَ إرسال المال
state-pending = في انتظار الإرسال
state-sending = قيد الإرسال
state-unconfirmed = أُرسل ولم يتأكد بعد
state-held = ينتظر أن تكتب في المحادثة
state-sent = تسلّمه ماسنجر
state-dead = تعذّر الإرسال
state-unknown = لا يُعرف هل هي عند ماسنجر
state-denied = مُنع قبل خروجه
denial-killed = كانت المشاركة معطّلة حفاظًا على السلامة.
denial-purpose-killed = كان هذا النوع من المشاركة معطّلًا حفاظًا على السلامة.
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

## التحقق بنفسك

verify-heading = التحقق بنفسك
verify-lead = تقارن هذه الصفحة إيصالاتك بالسجل العام. متصفحك هو الذي يحسب، ولا يُرسل شيء إلى أي مكان.
verify-noscript = تحتاج هذه الصفحة إلى برنامج للتحقق، ومتصفحك لا يشغّل البرامج. كل صفحاتنا الأخرى تعمل دونه. ويمكنك أيضًا أن تأخذ إثباتك معك وتتحقق منه ببرنامج تختاره بنفسك.
verify-idle-heading = لا حاجة إلى تصديقنا
verify-idle = لا يستغرق ذلك إلا لحظة. يلزم تسجيل الدخول إلى صفحة خصوصيتك.
verify-busy-heading = جارٍ التحقق …
verify-busy = إذا كثرت الإيصالات استغرق ذلك بضع ثوانٍ.
verify-good-heading = كل شيء متطابق
verify-good = كل إيصال تحت مفتاحك موجود في السجل كما تراه، ولا ينقص منها شيء، ولم يتغيّر شيء.
verify-bad-heading = هناك ما لا يتطابق
verify-bad = ما لم ينجح مبيَّن أدناه. احتفظ بالملف، واطلب من بنكك تفسيرًا، أو من الجهة المشرفة عليه.
verify-another-heading = هذا ليس المفتاح الذي يعرفه هذا المتصفح
verify-another = كل ما في هذا الإثبات متطابق، لكنه تحت مفتاح غير الذي جرى التحقق منه هنا من قبل. هذا سليم إن تحقق شخص آخر من إيصالاته في هذا المتصفح، أو إن طلبت محو كل شيء ثم بدأت من جديد. وإن لم يكن هذا ولا ذاك، فقد بُدئ تاريخك من جديد وحُجب عنك ما كان قبله: احتفظ بملفك السابق، واسأل بنكك، أو الجهة المشرفة عليه.
verify-another-accept = أعرف السبب: تذكّر هذا المفتاح أيضًا
verify-part-heading = هناك جزء ناقص
verify-part = كل شيء متطابق حتى الآن، لكن لإثباتك أجزاء أخرى، ودونها لا يُقال شيء عن نهايته. احفظ الجزء التالي، ثم اختر الملفات كلها معًا.
verify-part-next = حفظ الجزء التالي
verify-stranger-heading = لم تسجّل دخولك
verify-stranger = إثباتك لك وحدك، فسجّل الدخول إلى صفحة خصوصيتك أولًا. أما الملف المحفوظ فيمكن التحقق منه دون ذلك.
verify-offline-heading = تعذّر جلب إثباتك
verify-offline = لا يعني ذلك شيئًا بشأن إيصالاتك. يُرجى المحاولة بعد دقيقة.
verify-nofile-heading = اختر ملفًا أولًا
verify-nofile = هو الملف الذي حفظته إثباتًا لك.
verify-unsupported-heading = لا يستطيع هذا المتصفح التحقق
verify-unsupported = لا يعرف نوع التوقيع الذي يحمله السجل (Ed25519). لا يعني ذلك شيئًا بشأن إيصالاتك. يستطيع ذلك إصدار حديث من Chrome أو Edge أو Firefox أو Safari، وكذلك برنامج سطر الأوامر.
verify-mine = التحقق من إيصالاتي
verify-sign-in = إلى صفحة خصوصيتي
verify-empty = لا يحتوي على أي إيصال، ولا يوجد في السجل كله إيصال لك. إن كانت لك إيصالات من قبل فهناك خطأ.
verify-rules = ما تم التحقق منه
verify-open = لم يُنظر فيه، لأن شيئًا قبله لم يتطابق.
verify-detail = لمن يريد الدقة
verify-found = ما تم العثور عليه
verify-found-receipts = إيصالاتك
verify-found-from = الأول
verify-found-to = الأخير
verify-found-log = السجل
verify-found-size = القيود في السجل، للجميع
verify-found-witnesses = الشهود
verify-kind-disclosure = بما أُفصح عنه
verify-kind-outcome = بما آل إليه
verify-kind-denial = بما رُفض
verify-kind-consent = بالموافقات
verify-kind-revocation = بالموافقات التي انتهت
verify-kind-view = بالاطلاع على بياناتك
verify-kind-erasure = بالمحو
verify-kind-sighting = برسائل أخرى في محادثتك وما عُرف عنها
verify-kind-other = من نوع آخر
verify-file = ملف حفظته
verify-file-hint = يُقرأ في متصفحك ولا يذهب إلى أي مكان. فيه مفتاح إيصالاتك، فاحتفظ به لنفسك.
verify-file-choose = إثباتك
verify-file-go = التحقق من هذا الملف
verify-careful = لمن يريد المزيد من الحيطة
verify-vkey = مفتاح السجل
verify-vkey-hint = كما ينشره بنكك، وربما مطبوعًا. عندئذ لا يُقبل سجل غيره.
verify-policy = ملف السياسة
verify-policy-hint = يسمّي شهودًا تثق بهم، وكم منهم يجب أن يكون قد رأى السجل نفسه.
verify-memory = ما يتذكره هذا المتصفح
verify-memory-text = حالة السجل عند آخر تحقق، وعدد إيصالاتك حينها. يجب أن يكمل التحقق التالي ما سبق. لا يعلم بذلك أحد سواك.
verify-memory-at = تم التحقق
verify-memory-none = لا شيء بعد. بعد أول تحقق يتذكر حالة السجل، ليلاحظ التحقق التالي إن تغيّر الماضي.
verify-forget = نسيان ذلك
verify-meaning = ما يعنيه ذلك
verify-proves = ما يُثبته هذا
verify-proves-one = إيصالاتك هي ما كُتب حين حدث ما حدث. لم يغيّرها أحد، ولا بنكك.
verify-proves-two = لم يُترك شيء مما هو تحت مفتاحك: لا في البداية ولا في الوسط ولا في النهاية.
verify-proves-three = السجل يزداد فقط: ما رأيته في آخر تحقق ما زال كله موجودًا.
verify-proves-not = ما لا يُثبته
verify-proves-not-one = أن شيئًا لم يخرج من طريق آخر. لذلك وسائل أخرى: تُقابَل رسائل المحادثة بالإيصالات.
verify-proves-not-two = أن الجميع يرون السجل نفسه. لذلك يجب أن يكون شهود مستقلون قد وقّعوا عليه.
verify-proves-not-three = أن هذه الصفحة صادقة: فهي منا. لمن يريد اليقين: يُفحص الملف المحفوظ ببرنامج من مصدر آخر.
verify-proves-not-four = أن هذا المفتاح كان مفتاحك دائمًا. إن بُدئ تاريخك من جديد تحت مفتاح آخر، فلا يكشف ذلك إلا متصفح تحقق من قبل، أو ملف حفظته.
verify-program = البرنامج
verify-program-text = ملف واحد يستطيع كل فضولي قراءته، ولا شيء معه. والملف نفسه موجود في الشيفرة المصدرية العامة.
verify-program-read = قراءته
verify-program-hash = بصمته SHA-256:
rule-good = متطابق
rule-bad = غير متطابق
rule-skip = لا يوجد ما يُقارن به
rule-open = لم يُفحص
rule-format = الملف سليم
rule-format-good = شكله كما يجب، وكل رقم فيه معقول.
rule-format-bad = الملف تالف، أو ليس إثباتًا أصلًا.
rule-key = من السجل الذي تعرفه
rule-key-good = مفتاح السجل هو الذي تعرفه من قبل.
rule-key-bad = مفتاح السجل غير الذي تعرفه. قد ينقل البنك سجله، لكن كان عليه أن يخبرك.
rule-key-skip = لم يكن هناك مفتاح للمقارنة. بعد أول تحقق في هذا المتصفح سيكون.
rule-signature = السجل ملتزم به
rule-signature-good = حالة السجل هذه موقّعة، فلا يستطيع أحد إنكارها لاحقًا.
rule-signature-bad = التوقيع غير صحيح. غُيّر الملف، أو لم يُوقَّع قط.
rule-witness = رأى آخرون الشيء نفسه
rule-witness-good = وقّع عدد كافٍ من شهودك على حالة السجل هذه نفسها.
rule-witness-bad = لم يوقّع عليها عدد كافٍ من شهودك. ربما يُعرض عليك سجل غير الذي يُعرض عليهم.
rule-witness-skip = لم يُطلب شهود. يُطلبون عند اختيار ملف سياسة.
rule-consistency = الماضي كما كان
rule-consistency-good = كل ما كان في السجل عند آخر تحقق ما زال فيه وبالترتيب نفسه.
rule-consistency-bad = تغيّر الماضي منذ آخر تحقق، أو هذه حالة قديمة للسجل. لا يجوز أن يحدث هذا أبدًا.
rule-consistency-skip = لا يوجد تحقق سابق للمقارنة. في المرة القادمة سيوجد.
rule-index = لكل جزء فهرسه
rule-index-good = يحمل كل جزء من السجل فهرسًا بكل الإيصالات التي فيه.
rule-index-bad = هناك فهرس لا ينتمي إلى السجل.
rule-freshness = لم يُترك جزء من السجل
rule-freshness-good = يمتد الإثبات من بداية السجل إلى نهايته نفسها.
rule-freshness-bad = تُرك جزء من السجل، وقد يختبئ فيه إيصال.
rule-chain = لا فجوة في إيصالاتك
rule-chain-good = أرقامها 1 و2 و3 وهكذا، ويحمل كل منها بصمة الذي قبله.
rule-chain-bad = هناك إيصال مفقود أو مكرر أو في غير مكانه.
rule-inclusion = كل إيصال في السجل
rule-inclusion-good = كل إيصال موجود في السجل العام كما هو لديك، حرفًا بحرف.
rule-inclusion-bad = هناك إيصال ليس كما كُتب في السجل. غُيّر، أو اختُلق.
rule-absence = لا يوجد غيرها
rule-absence-good = لا يحتوي السجل على إيصال آخر لك.
rule-absence-bad = يحتوي السجل على إيصال آخر لك لم يُعطَ لك، أو لا يمكن استبعاد ذلك.
rule-memory = أنت نفسك، ولم يضع ما كان لديك
rule-memory-good = هو تحت المفتاح نفسه كما في آخر تحقق، وإيصالات ذلك التحقق موجودة كلها من جديد.
rule-memory-bad = إيصالات كانت لديك عند آخر تحقق مفقودة الآن أو مختلفة، أو ليس هذا الجزءَ التالي من إثباتك.
rule-memory-skip = لا يوجد في هذا المتصفح تحقق سابق من هذه الإيصالات.

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
error-stopped-heading = متوقف الآن
error-stopped = أوقف البنك، أو من يشغّل هذه الخدمة، كل شيء هنا في الوقت الحالي. يُرجى استخدام تطبيق البنك نفسه، أو المحاولة لاحقًا.
error-not-linked-heading = لا يوجد ربط
error-not-linked = لا توجد محادثة مرتبطة باسم من سجّل الدخول، ولذلك لا يوجد ما يُعرض.
error-no-accounts-heading = لم يُشارك أي حساب
error-no-accounts = لم يُختر أي حساب في صفحة بنكك، فلا يوجد ما يمكن ربطه. يُرجى اختيار حساب واحد على الأقل.
error-platform-heading = لم يؤكد ماسنجر المحادثة
error-platform = انتهت صلاحية الرابط القادم من ماسنجر، أو أن ماسنجر لا يستجيب. لم تتم مشاركة شيء.
error-consent-heading = لا يمكن تسجيل هذه الموافقة
error-consent = ما أُرسل ليس من الخيارات التي تعرضها هذه الصفحة. لم يُسجّل شيء.
error-in-app-heading = افتح هذه الصفحة في متصفحك
error-in-app = تعرض هذه الصفحة ما لا يجوز أن يراه غيرك، ويستطيع التطبيق الذي فتحتها فيه أن يقرأه معك. لذلك لا نعرضها هنا.
error-in-app-how = اختر «فتح في المتصفح» من قائمة هذه النافذة، أو اكتب هذا العنوان في متصفحك: { $address }
error-in-app-link = يتم الربط في متصفحك، لأن التطبيق الذي فتحت فيه هذه الصفحة يستطيع أن يقرأ معك.
error-page-over-heading = لم يعد فتح هذه الرسالة ممكنًا
error-page-over = تُعرض كل رسالة مرة واحدة، خلال سبعة أيام، وما دمت تسمح بذلك. وفي صفحة خصوصيتك وقت فتحها.
error-page-another-heading = هذه الرسالة لشخص آخر
error-page-another = من سجّل الدخول هنا ليس الشخص الذي كُتبت له. لم يُعرض شيء، ولا يزال فتح الرسالة ممكنًا.
error-page-late-heading = انتهت المهلة
error-page-late = لكل خطوة خمس دقائق. لم تُفتح الرسالة بعد: اضغط الزر في المحادثة مرة أخرى.
error-page-passkey-heading = مفتاح المرور هذا لا يفتح الرسالة
error-page-passkey = هو لشخص آخر، أو أُزيل، أو لم يثبت أنه لك. لم يُعرض شيء، وما زال فتح الرسالة ممكنًا: اضغط الزر في المحادثة مرة أخرى، وسجّل الدخول لدى بنكك.
error-passkey-heading = لم يُضف مفتاح المرور
error-passkey = ما جاء به متصفحك ليس مفتاح مرور جديدًا لهذا الموقع. لم يتغيّر شيء. عُد إلى مفاتيحك وحاول مرة أخرى.
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

## What Messenger asked for in a person's name

deletion-heading = بياناتك
deletion-waiting = أبلغنا Messenger برغبتك في حذف بياناتك، ويجري تنفيذ ذلك الآن.
deletion-done = أبلغنا Messenger برغبتك في حذف بياناتك، وقد تم ذلك. لكل محادثة رُبطت ببنك أُتلفت مفاتيح كل ما حُفظ، وسُحبت موافقاتك، وأُبلغ بنكك. ومن كل محادثة، مربوطة كانت أم لا، حُذفت النصوص والروابط التي أرسلناها وما كنا نتذكره عنها. ولا يبقى لبضعة أسابيع إلا علامات بلا كلمات نعرف بها الرسالة التي تصل مرتين، تحت اسم لا يمكننا قراءته.
deletion-untold = أبلغنا Messenger برغبتك في حذف بياناتك، لكنه لم يخبرنا أي محادثة هي محادثتك، فلم نتمكن من حذف كل شيء. وقد أُبلغ القائمون على هذه الخدمة. يمكنك فعل ذلك بنفسك فورًا: اكتب «احذف بياناتي» في المحادثة.
deletion-nobody = أبلغنا Messenger برغبتك في حذف بياناتك. لا نحتفظ بشيء تحت الاسم الذي يعرفك به Messenger هناك.
deauthorised-heading = ارتباطك
deauthorised-waiting = أبلغنا Messenger بأنك سحبت إذن وصولنا، ويجري تنفيذ ذلك الآن.
deauthorised-done = أبلغنا Messenger بأنك سحبت إذن وصولنا، وقد تم ذلك: انتهت موافقاتك ولن يُرسل شيء من بياناتك إلى محادثاتك بعد الآن.
deauthorised-nobody = أبلغنا Messenger بأنك سحبت إذن وصولنا. لا نحتفظ بشيء تحت الاسم الذي يعرفك به Messenger هناك.
deletion-chat = للمحادثة معنا اسم خاص بها. إن كنت قد راسلتنا فيمكنك حذف كل شيء من هناك: اكتب «احذف بياناتي». وإن كان بنك مربوطًا فيمكنك أيضًا تسجيل الدخول عبره في صفحة «خصوصيتي».
deauthorised-untold = أبلغنا Messenger بأنك سحبت إذن وصولنا، لكنه لم يخبرنا أي محادثة هي محادثتك، فلم نتمكن من إنهاء كل شيء. وقد أُبلغ القائمون على هذه الخدمة. يمكنك فعل ذلك بنفسك فورًا: اكتب «توقف» في المحادثة.
deletion-privacy = خصوصيتي
error-deletion-heading = لا نعرف هذا الرمز
error-deletion = يرجى التحقق من العنوان: إنه العنوان الذي أعطاك إياه Messenger.
