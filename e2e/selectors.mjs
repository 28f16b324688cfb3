// What the story looks for, as data: names that a person reads on buttons and fields, per language, and the addresses
// of pages. Elements are found by role and name, as a screen reader finds them; there are no CSS classes here.
// When a page's wording changes, this is the only file to mend.

/** The institution that the story links, and its path on the sandbox bank. */
export const institution = { path: "cedar-bank", name: /Cedar Bank|بنك الأرز|بنك سيدر/ };

/** The chat page of one person, on the Messenger simulator. */
export function chatAddress(base, language, who = "story") {
  return `${base}/chat?user=${who}-${language.code}&lang=${language.code}`;
}

/** The sandbox bank's control interface. */
export function controlAddress(base, action) {
  return `${base}/${institution.path}/control/${action}`;
}

export const languages = {
  en: {
    code: "en",
    dir: "ltr",
    browserLocale: "en-US",
    chatLocale: "en_US",
    /** A customer of the sandbox bank. Each language has its own, so that the two stories share nothing. */
    customer: { username: "layla", password: "demo" },
    chat: {
      getStarted: /get started/i,
      composer: /message/i,
      linkMyBank: /^log in/i,
      // The platform's own account-link button says this.
      logIn: /^log in/i,
      linked: /linked/i,
      askBalance: "what's my balance?",
      balanceAnswer: /\$\s?\d[\d,]*\.\d{2}/,
      askPrivacy: "my privacy",
      privacyPage: /privacy/i,
    },
    link: { next: /continue|next/i },
    bank: {
      username: /user ?name|user id/i,
      password: /password/i,
      logIn: /log in|sign in/i,
      allow: /^allow$/i,
    },
    consent: {
      heading: /consent|agree|choose|share/i,
      formDetail: /detail/i,
      duration: /month|year|days/i,
      agree: /^allow$/i,
    },
    privacy: {
      revoke: /^stop sharing everything$/i,
      confirm: /revoke|withdraw|yes|confirm|stop/i,
      revoked: /your consent is taken back/i,
    },
    proof: {
      nothingMatches: /nothing matches/i,
      because: /because you asked/i,
      saveConsent: /^save this consent as a document/i,
      verify: /^verify this yourself$/i,
      mine: /^check my receipts$/i,
      good: /it all fits/i,
      bad: /something does not fit/i,
      further: /holds a further receipt of yours/i,
      download: /^save my proof$/i,
      checkFile: /^check this file$/i,
      key: /^show my key$/i,
    },
    rights: {
      takeAll: /^take it all with you$/i,
      erase: /^erase everything about me/i,
      question: /^erase everything about you\?$/i,
      keep: /^no, keep it$/i,
      go: /^erase everything$/i,
      done: /^everything is erased$/i,
    },
    notice: {
      customer: { username: "sam", password: "demo" },
      form: /only a notice/i,
      inChat: /^open(?! in)/i,
      open: /^open the message$/i,
      incomplete: /the address is not complete/i,
      show: /^show the message$/i,
      over: /cannot be opened any more/i,
      otherCode: "ar",
      otherLanguage: "العربية",
      thisLanguage: "English",
      purchase: { merchant: "Blue Bottle Coffee", amount: "6.61", shown: /6\.61/ },
      passkey: {
        from: /^open the next one with a passkey$/i,
        add: /^add a passkey$/i,
        make: /^make the passkey$/i,
        added: /the passkey was added/i,
        signOut: /^sign out$/i,
        open: /^open with a passkey$/i,
        use: /^use my passkey$/i,
        bank: /^use my bank’s login instead$/i,
        failed: /no passkey was used/i,
        remove: /^remove the passkey/i,
        removed: /opens nothing any more/i,
        missing: /this browser has no passkeys/i,
        purchase: { merchant: "Blue Bottle Coffee", amount: "6.62", shown: /6\.62/ },
      },
    },
    purchase: { merchant: "Blue Bottle Coffee", amount: "4.51", shown: /4\.51/ },
    purchaseAfterRevoke: { merchant: "Blue Bottle Coffee", amount: "7.77", shown: /7\.77/ },
  },
  ar: {
    code: "ar",
    dir: "rtl",
    browserLocale: "ar",
    chatLocale: "ar_AR",
    customer: { username: "omar", password: "demo" },
    chat: {
      getStarted: /ابدأ|البدء|بدء/,
      composer: /رسالة/,
      linkMyBank: /^تسجيل الدخول/,
      logIn: /^تسجيل الدخول/,
      linked: /تم (ال)?ربط|مرتبط|رُبط|ارتبط/,
      askBalance: "كم رصيدي؟",
      // Digits of either kind, with a fraction.
      balanceAnswer: /[\d٠-٩][\d٠-٩,٬]*[.٫][\d٠-٩]{2}/,
      askPrivacy: "خصوصيتي",
      privacyPage: /خصوصي/,
    },
    link: { next: /متابعة|التالي|استمرار/ },
    bank: {
      username: /اسم المستخدم/,
      password: /كلمة (المرور|السر)/,
      logIn: /تسجيل الدخول|دخول/,
      allow: /^أسمح$/,
    },
    consent: {
      heading: /موافق|مشاركة|اختر|اختيار/,
      formDetail: /تفصيل|تفاصيل|مفصّ?ل|كامل/,
      duration: /شهر|أشهر|شهور|سنة|يوم|عام/,
      agree: /^السماح$/,
    },
    privacy: {
      revoke: /^إيقاف مشاركة كل شيء$/,
      confirm: /سحب|إلغاء|إيقاف|نعم|تأكيد|اسحب|أوقف/,
      revoked: /انتهت موافقتك/,
    },
    proof: {
      nothingMatches: /لا يوجد ما يطابق/,
      because: /لأنك /,
      saveConsent: /^حفظ هذه الموافقة كوثيقة/,
      verify: /^التحقق بنفسك$/,
      mine: /^التحقق من إيصالاتي$/,
      good: /كل شيء متطابق/,
      bad: /هناك ما لا يتطابق/,
      further: /إيصال آخر لك لم يُعطَ لك/,
      download: /^حفظ إثباتي$/,
      checkFile: /^التحقق من هذا الملف$/,
      key: /^عرض مفتاحي$/,
    },
    rights: {
      takeAll: /^خذ كل شيء معك$/,
      erase: /^محو كل ما يخصني/,
      question: /^هل تريد محو كل ما يخصك؟$/,
      keep: /^لا، احتفظوا به$/,
      go: /^محو كل شيء$/,
      done: /^تم محو كل شيء$/,
    },
    notice: {
      customer: { username: "noura", password: "demo" },
      form: /^إشعار فقط/,
      inChat: /^فتح(?! في)/,
      open: /^فتح الرسالة$/,
      incomplete: /العنوان غير مكتمل/,
      show: /^عرض الرسالة$/,
      over: /لم يعد فتح هذه الرسالة ممكنًا/,
      otherCode: "en",
      otherLanguage: "English",
      thisLanguage: "العربية",
      purchase: { merchant: "Blue Bottle Coffee", amount: "1.665", shown: /1\.665|١٫٦٦٥/ },
      passkey: {
        from: /^افتح الرسالة التالية بمفتاح مرور$/,
        add: /^إضافة مفتاح مرور$/,
        make: /^إنشاء مفتاح المرور$/,
        added: /أُضيف مفتاح المرور\. اختر/,
        signOut: /^تسجيل الخروج$|^خروج$/,
        open: /^فتح بمفتاح مرور$/,
        use: /^استخدام مفتاح المرور$/,
        bank: /^تسجيل الدخول لدى بنكي بدلًا من ذلك$/,
        failed: /لم يُستخدم أي مفتاح مرور/,
        remove: /^إزالة مفتاح المرور/,
        removed: /لم يعد يفتح شيئًا/,
        missing: /لا يعرف هذا المتصفح مفاتيح المرور/,
        purchase: { merchant: "Blue Bottle Coffee", amount: "1.675", shown: /1\.675|١٫٦٧٥/ },
      },
    },
    purchase: { merchant: "Blue Bottle Coffee", amount: "4.52", shown: /4\.52|٤٫٥٢/ },
    purchaseAfterRevoke: { merchant: "Blue Bottle Coffee", amount: "7.78", shown: /7\.78|٧٫٧٨/ },
  },
};
