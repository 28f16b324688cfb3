//! Every string a person sees, in English and Arabic. A field missing in one language does not compile.

use crate::records::Cluster;

/// Language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Ar,
}

impl Lang {
    pub(crate) fn code(self) -> &'static str {
        if self == Self::Ar { "ar" } else { "en" }
    }

    pub(crate) fn dir(self) -> &'static str {
        if self == Self::Ar { "rtl" } else { "ltr" }
    }

    pub(crate) fn other(self) -> Self {
        if self == Self::Ar { Self::En } else { Self::Ar }
    }

    pub(crate) fn is_arabic(self) -> bool {
        self == Self::Ar
    }

    pub(crate) fn text(self) -> &'static Text {
        if self == Self::Ar { &AR } else { &EN }
    }

    /// From one language tag (`ar-KW`), if it is one of ours.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "ar" => Some(Self::Ar),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The first of ours in `ui_locales` (space-separated, OpenID Connect Core §3.1.2.1).
    pub(crate) fn from_locales(locales: &str) -> Option<Self> {
        locales.split_whitespace().find_map(Self::from_tag)
    }

    /// The best of ours in `Accept-Language` (RFC 9110 §12.5.4); the order of equal weights counts.
    pub(crate) fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(Self, u32)> = None;
        for part in header.split(',') {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let Some(lang) = Self::from_tag(tag) else { continue };
            let weight = weight.trim().strip_prefix("q=").map_or(1_000, thousandths);
            if weight > 0 && best.is_none_or(|(_, known)| weight > known) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }

    /// Day, month and year for people.
    pub(crate) fn date(self, date: jiff::civil::Date) -> String {
        let month = usize::try_from(date.month()).unwrap_or(1).saturating_sub(1);
        let name = self.text().months.get(month).copied().unwrap_or_default();
        format!("{} {name} {}", date.day(), date.year())
    }
}

/// `0.8` → 800; anything odd counts as 0.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("1", _) => 1_000,
        ("0", Ok(value)) => value,
        _ => 0,
    }
}

/// Puts a value into a text at `{}`, isolated so that its direction does not disturb the sentence.
pub(crate) fn fill(text: &str, value: &str) -> String {
    text.replacen("{}", &format!("\u{2068}{value}\u{2069}"), 1)
}

/// The strings.
pub(crate) struct Text {
    pub(crate) language_name: &'static str,
    pub(crate) sandbox: &'static str,
    pub(crate) secure: &'static str,
    pub(crate) months: [&'static str; 12],
    // sign-in
    pub(crate) sign_in: &'static str,
    pub(crate) sign_in_for: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) wrong_password: &'static str,
    pub(crate) too_many_attempts: &'static str,
    pub(crate) demo_customers: &'static str,
    pub(crate) demo_password: &'static str,
    pub(crate) never_shared: &'static str,
    // consent
    pub(crate) consent_title: &'static str,
    pub(crate) consent_lead: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) not_you: &'static str,
    pub(crate) what_is_shared: &'static str,
    pub(crate) which_accounts: &'static str,
    pub(crate) none_ticked: &'static str,
    pub(crate) pick_one: &'static str,
    pub(crate) how_long: &'static str,
    pub(crate) until: &'static str,
    pub(crate) once: &'static str,
    pub(crate) history: &'static str,
    pub(crate) stop_any_time: &'static str,
    pub(crate) allow: &'static str,
    pub(crate) deny: &'static str,
    pub(crate) balance: &'static str,
    pub(crate) owed: &'static str,
    pub(crate) cluster_basic: (&'static str, &'static str),
    pub(crate) cluster_detailed: (&'static str, &'static str),
    pub(crate) cluster_balances: (&'static str, &'static str),
    pub(crate) cluster_transactions: (&'static str, &'static str),
    pub(crate) cluster_contact: (&'static str, &'static str),
    pub(crate) cluster_bills: (&'static str, &'static str),
    pub(crate) cluster_statements: (&'static str, &'static str),
    pub(crate) cluster_personal: (&'static str, &'static str),
    pub(crate) cluster_payment: (&'static str, &'static str),
    pub(crate) cluster_terms: (&'static str, &'static str),
    pub(crate) cluster_images: (&'static str, &'static str),
    pub(crate) cluster_rewards: (&'static str, &'static str),
    /// Title of the account's terms, for an application.
    pub(crate) terms: &'static str,
    // errors
    pub(crate) error_title: &'static str,
    pub(crate) error_request: &'static str,
    pub(crate) error_expired: &'static str,
    pub(crate) error_form: &'static str,
    pub(crate) error_missing: &'static str,
    pub(crate) error_store: &'static str,
    pub(crate) error_what: &'static str,
    // home
    pub(crate) home_lead: &'static str,
    pub(crate) go_to_till: &'static str,
    pub(crate) banks_title: &'static str,
    pub(crate) banks_lead: &'static str,
    // till
    pub(crate) till: &'static str,
    pub(crate) till_lead: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) account: &'static str,
    pub(crate) where_bought: &'static str,
    pub(crate) other_shop: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) amount_hint: &'static str,
    pub(crate) buy: &'static str,
    pub(crate) refund: &'static str,
    pub(crate) salary: &'static str,
    pub(crate) recent: &'static str,
    pub(crate) pending: &'static str,
    pub(crate) posted: &'static str,
    pub(crate) post_it: &'static str,
    pub(crate) post_amount: &'static str,
    pub(crate) reverse: &'static str,
    pub(crate) available: &'static str,
    pub(crate) events_delivered: &'static str,
    pub(crate) events_waiting: &'static str,
    pub(crate) not_told: &'static str,
    pub(crate) done_buy: &'static str,
    pub(crate) done_post: &'static str,
    pub(crate) done_salary: &'static str,
    pub(crate) done_refund: &'static str,
    pub(crate) done_reverse: &'static str,
    pub(crate) fail_funds: &'static str,
    pub(crate) fail_amount: &'static str,
    pub(crate) fail_shop: &'static str,
    pub(crate) fail_state: &'static str,
    pub(crate) fail_missing: &'static str,
}

impl Text {
    /// Label and explanation of a data cluster. The English labels are FDX's prescribed ones (UX v3.0, table 1).
    pub(crate) fn cluster(&self, cluster: Cluster) -> (&'static str, &'static str) {
        match cluster {
            Cluster::AccountBasic => self.cluster_basic,
            Cluster::AccountDetailed => self.cluster_detailed,
            Cluster::Balances => self.cluster_balances,
            Cluster::Transactions => self.cluster_transactions,
            Cluster::CustomerContact => self.cluster_contact,
            Cluster::Bills => self.cluster_bills,
            Cluster::Statements => self.cluster_statements,
            Cluster::CustomerPersonal => self.cluster_personal,
            Cluster::PaymentSupport => self.cluster_payment,
            Cluster::TermsAndConditions => self.cluster_terms,
            Cluster::Images => self.cluster_images,
            Cluster::Rewards => self.cluster_rewards,
        }
    }
}

static EN: Text = Text {
    language_name: "English",
    sandbox: "Sandbox bank · no real money",
    secure: "You are on your bank's own page",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    sign_in: "Sign in",
    sign_in_for: "Sign in to continue to {}",
    username: "Username",
    password: "Password",
    wrong_password: "The username or password is not right. Please try again.",
    too_many_attempts: "Too many attempts. Go back to the application and start again.",
    demo_customers: "Demo customers",
    demo_password: "Password for all of them:",
    never_shared: "Your username and password stay here. They are never shared with the application.",
    consent_title: "Share your accounts with {}?",
    consent_lead: "{} asks your bank for the information below. You decide.",
    signed_in_as: "Signed in as",
    not_you: "Not you?",
    what_is_shared: "What will be shared",
    which_accounts: "From which accounts",
    none_ticked: "Nothing is chosen for you. Tick each account you want to share.",
    pick_one: "Tick at least one account, or choose “Don't allow”.",
    how_long: "For how long",
    until: "Until {}",
    once: "Once, in the next minutes",
    history: "Transactions up to {} days back",
    stop_any_time: "You can stop it at any time, in the application or at the bank.",
    allow: "Allow",
    deny: "Don't allow",
    balance: "Balance",
    owed: "Owed",
    cluster_basic: (
        "Account identifying information",
        "Name of the account, its type, last digits of its number",
    ),
    cluster_detailed: (
        "Account summary information",
        "Identifying information, balances, credit limits, due dates, interest rates",
    ),
    cluster_balances: ("Account balances", "Current and available balance"),
    cluster_transactions: ("Transaction data", "Purchases, payments and deposits: when, where, how much"),
    cluster_contact: (
        "Account contact details",
        "Your name, address, telephone and e-mail as the bank holds them",
    ),
    cluster_bills: ("Account billing information", "What is due on your card, and when"),
    cluster_statements: ("Account statements", "Your monthly statements, with what they list"),
    cluster_personal: ("Sensitive personal information", "Your date of birth"),
    cluster_payment: ("Account numbers", "Numbers by which money is sent to your account and taken from it"),
    cluster_terms: ("Account terms and conditions", "Fees and rules of your account"),
    cluster_images: ("Images of transactions", "Slips of what you paid and paid in"),
    cluster_rewards: ("Rewards", "Your points, and what each purchase earned"),
    terms: "Account terms and conditions",
    error_title: "This cannot go on",
    error_request: "The application's request is not in order, so your bank has stopped it. Nothing was shared.",
    error_expired: "This page has run out or was used already. Go back to the application and start again.",
    error_form: "This form did not come from this page. Go back and try once more.",
    error_missing: "There is no such page.",
    error_store: "The bank could not save this. Please try again.",
    error_what: "For the application's makers",
    home_lead: "This is a sandbox: the customers and their money are made up.",
    go_to_till: "Go to the till",
    banks_title: "Sandbox banks",
    banks_lead: "Made-up banks for trying things out.",
    till: "The till",
    till_lead: "Make something happen on an account and watch it arrive.",
    customer: "Customer",
    account: "Account",
    where_bought: "Where",
    other_shop: "Another shop",
    amount: "Amount",
    amount_hint: "as listed",
    buy: "Buy",
    refund: "Refund",
    salary: "Deposit salary",
    recent: "Latest on this account",
    pending: "Pending",
    posted: "Posted",
    post_it: "Post it",
    post_amount: "Final amount",
    reverse: "Reverse",
    available: "Available",
    events_delivered: "Events delivered",
    events_waiting: "waiting",
    not_told: "No one is told about this account: no application has a consent for it.",
    done_buy: "Bought. The amount is held on the account.",
    done_post: "Posted to the account.",
    done_salary: "The salary has arrived.",
    done_refund: "Refunded.",
    done_reverse: "Taken back.",
    fail_funds: "Declined: there is not enough money on the account.",
    fail_amount: "The amount is not right. Write it like 4.50 or 1,234.50.",
    fail_shop: "Choose a shop or write its name (80 characters at most).",
    fail_state: "That transaction has been settled already.",
    fail_missing: "That customer, account or transaction is not here.",
};

static AR: Text = Text {
    language_name: "العربية",
    sandbox: "بنك تجريبي · بلا أموال حقيقية",
    secure: "أنت في صفحة بنكك نفسه",
    months: [
        "يناير",
        "فبراير",
        "مارس",
        "أبريل",
        "مايو",
        "يونيو",
        "يوليو",
        "أغسطس",
        "سبتمبر",
        "أكتوبر",
        "نوفمبر",
        "ديسمبر",
    ],
    sign_in: "تسجيل الدخول",
    sign_in_for: "سجّل الدخول للمتابعة إلى {}",
    username: "اسم المستخدم",
    password: "كلمة المرور",
    wrong_password: "اسم المستخدم أو كلمة المرور غير صحيحة. حاول مرة أخرى.",
    too_many_attempts: "محاولات كثيرة. ارجع إلى التطبيق وابدأ من جديد.",
    demo_customers: "عملاء للتجربة",
    demo_password: "كلمة المرور لجميعهم:",
    never_shared: "اسم المستخدم وكلمة المرور يبقيان هنا، ولا يُطلَع عليهما التطبيق أبدًا.",
    consent_title: "هل تشارك حساباتك مع {}؟",
    consent_lead: "يطلب تطبيق {} من بنكك المعلومات التالية. القرار لك.",
    signed_in_as: "سجّلت الدخول باسم",
    not_you: "لست أنت؟",
    what_is_shared: "ما الذي ستتم مشاركته",
    which_accounts: "من أي حسابات",
    none_ticked: "لم نختر عنك شيئًا. ضع علامة على كل حساب تريد مشاركته.",
    pick_one: "ضع علامة على حساب واحد على الأقل، أو اختر «لا أسمح».",
    how_long: "إلى متى",
    until: "حتى {}",
    once: "مرة واحدة، خلال الدقائق القادمة",
    history: "المعاملات حتى {} يومًا مضت",
    stop_any_time: "يمكنك إيقافها في أي وقت، من التطبيق أو من البنك.",
    allow: "أسمح",
    deny: "لا أسمح",
    balance: "الرصيد",
    owed: "المستحق",
    cluster_basic: ("معلومات تعريف الحساب", "اسم الحساب ونوعه وآخر أرقامه"),
    cluster_detailed: (
        "ملخص معلومات الحساب",
        "معلومات التعريف والأرصدة وحدود الائتمان وتواريخ الاستحقاق وأسعار الفائدة",
    ),
    cluster_balances: ("أرصدة الحساب", "الرصيد الحالي والرصيد المتاح"),
    cluster_transactions: ("بيانات المعاملات", "المشتريات والمدفوعات والإيداعات: متى وأين وكم"),
    cluster_contact: (
        "بيانات الاتصال الخاصة بالحساب",
        "اسمك وعنوانك وهاتفك وبريدك الإلكتروني كما هي مسجّلة لدى البنك",
    ),
    cluster_bills: ("معلومات فواتير الحساب", "المبلغ المستحق على بطاقتك وتاريخ استحقاقه"),
    cluster_statements: ("كشوف الحساب", "كشوفك الشهرية وما تتضمنه"),
    cluster_personal: ("معلومات شخصية حساسة", "تاريخ ميلادك"),
    cluster_payment: ("أرقام الحسابات", "الأرقام التي تُحوَّل بها الأموال إلى حسابك ومنه"),
    cluster_terms: ("شروط الحساب وأحكامه", "رسوم حسابك وقواعده"),
    cluster_images: ("صور المعاملات", "إيصالات ما دفعته وما أودعته"),
    cluster_rewards: ("المكافآت", "نقاطك وما كسبته من كل عملية شراء"),
    terms: "شروط الحساب وأحكامه",
    error_title: "لا يمكن المتابعة",
    error_request: "طلب التطبيق غير سليم، فأوقفه بنكك. لم تتم مشاركة أي شيء.",
    error_expired: "انتهت صلاحية هذه الصفحة أو سبق استخدامها. ارجع إلى التطبيق وابدأ من جديد.",
    error_form: "لم يأتِ هذا النموذج من هذه الصفحة. ارجع وحاول مرة أخرى.",
    error_missing: "لا توجد صفحة بهذا العنوان.",
    error_store: "تعذّر على البنك حفظ ذلك. حاول مرة أخرى.",
    error_what: "لمطوّري التطبيق",
    home_lead: "هذا بنك تجريبي: العملاء وأموالهم من صنع الخيال.",
    go_to_till: "إلى صندوق الدفع",
    banks_title: "بنوك تجريبية",
    banks_lead: "بنوك من صنع الخيال للتجربة.",
    till: "صندوق الدفع",
    till_lead: "أحدِث حركة على حساب وشاهدها تصل.",
    customer: "العميل",
    account: "الحساب",
    where_bought: "المتجر",
    other_shop: "متجر آخر",
    amount: "المبلغ",
    amount_hint: "كما هو مدرج",
    buy: "اشترِ",
    refund: "استرداد",
    salary: "إيداع الراتب",
    recent: "آخر حركات هذا الحساب",
    pending: "معلّقة",
    posted: "مقيّدة",
    post_it: "قيّدها",
    post_amount: "المبلغ النهائي",
    reverse: "إلغاء",
    available: "المتاح",
    events_delivered: "إشعارات سُلّمت",
    events_waiting: "بالانتظار",
    not_told: "لا يُبلَّغ أحد عن هذا الحساب: ليس لأي تطبيق موافقة عليه.",
    done_buy: "تم الشراء. المبلغ محجوز على الحساب.",
    done_post: "قُيّدت على الحساب.",
    done_salary: "وصل الراتب.",
    done_refund: "تم الاسترداد.",
    done_reverse: "أُلغيت.",
    fail_funds: "مرفوضة: لا يوجد رصيد كافٍ في الحساب.",
    fail_amount: "المبلغ غير صحيح. اكتبه مثل 4.50 أو 1,234.50.",
    fail_shop: "اختر متجرًا أو اكتب اسمه (80 حرفًا على الأكثر).",
    fail_state: "سبق أن سُوّيت هذه الحركة.",
    fail_missing: "هذا العميل أو الحساب أو الحركة غير موجود هنا.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_picked_by_weight() {
        assert_eq!(Lang::from_accept("fr, ar-KW;q=0.8, en;q=0.7"), Some(Lang::Ar));
        assert_eq!(Lang::from_accept("en-US,en;q=0.9,ar;q=0.8"), Some(Lang::En));
        assert_eq!(Lang::from_accept("ar;q=0, en;q=0.1"), Some(Lang::En));
        assert_eq!(Lang::from_accept("de"), None);
        assert_eq!(Lang::from_locales("fr ar en"), Some(Lang::Ar));
    }
}
