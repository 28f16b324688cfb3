//! The errors in Arabic, for the person whose file it is. Same content as the English messages in [`crate::error`].

use crate::error::{ErrorKind, LooksLike, StatementError, XmlFault};
use crate::limits;

/// A value or element name between isolates, so that it does not turn the sentence around it.
fn apart(value: &str) -> String {
    format!("\u{2068}{value}\u{2069}")
}

impl StatementError {
    /// The message in Arabic; values and element names stand between U+2068 and U+2069.
    #[must_use]
    pub fn arabic(&self) -> String {
        let message = self.kind.arabic();
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("السطر {line}، العمود {column}: {message}"),
            (Some(line), None) => format!("السطر {line}: {message}"),
            _ => message,
        }
    }
}

impl LooksLike {
    fn arabic(self) -> &'static str {
        match self {
            LooksLike::Pdf => "ملف PDF",
            LooksLike::Zip => "أرشيف ZIP أو جدول بيانات",
            LooksLike::Gzip => "أرشيف gzip",
            LooksLike::WebPage => "صفحة ويب",
            LooksLike::Qif => "ملف QIF",
            LooksLike::Mt940 => "ملف SWIFT MT940",
            LooksLike::OtherXml => "ملف XML من نوع آخر",
            LooksLike::Unknown => "ملف غير معروف النوع",
        }
    }
}

impl XmlFault {
    fn arabic(&self) -> String {
        match self {
            Self::Mismatched { expected, found } => {
                format!("أُغلق {} حيث يجب إغلاق {}", apart(found), apart(expected))
            }
            Self::BareAmpersand => {
                format!("الرمز {} لا يبدأ كيانًا (اكتبه هكذا {})", apart("&"), apart("&amp;"))
            }
            Self::UnclosedComment => "تعليق لا ينتهي".to_owned(),
            Self::UnclosedCdata => format!("مقطع {} لا ينتهي", apart("CDATA")),
            Self::NotWellFormed => "الملف غير سليم البناء".to_owned(),
        }
    }
}

impl ErrorKind {
    fn arabic(&self) -> String {
        match self {
            Self::FileTooLarge => {
                let most = limits::FILE_MAX_BYTES / 1024 / 1024;
                format!("الملف أكبر من {most} ميغابايت؛ صدّر مدة أقصر")
            }
            Self::Empty => "الملف فارغ؛ صدّره من جديد".to_owned(),
            Self::UnknownFormat { looks_like } => format!(
                "هذا {}، وليس كشف حساب بصيغة OFX أو camt.053؛ اختر OFX أو QFX أو Quicken أو Money أو camt.053 عند التصدير من البنك",
                looks_like.arabic()
            ),
            Self::UnsupportedMessage { name } => format!(
                "الرسالة {} غير مدعومة؛ صدّر camt.053 أو camt.054، من الإصدار 001.02 إلى 001.13",
                apart(name)
            ),
            Self::UnknownEncoding { label } => {
                format!("الترميز {} غير معروف؛ احفظ الملف بترميز UTF-8", apart(label))
            }
            Self::NotInEncoding { encoding } => format!(
                "في الملف بايتات لا توافق الترميز {}؛ صحّح الترميز المعلن أو احفظ الملف بترميز UTF-8",
                apart(encoding)
            ),
            Self::DoctypeRefused => {
                format!("تعريف نوع المستند {} مرفوض؛ احذفه", apart("<!DOCTYPE"))
            }
            Self::MalformedTag => format!(
                "الوسم الذي يبدأ هنا غير سليم؛ أغلقه بالرمز {}، أو اكتب {} داخل النص هكذا {}",
                apart(">"),
                apart("<"),
                apart("&lt;")
            ),
            Self::XmlSyntax { fault } => {
                format!("بنية XML غير سليمة: {}؛ صدّر الملف من جديد", fault.arabic())
            }
            Self::Unclosed { element } => {
                format!("العنصر {} يُفتح هنا ولا يُغلق؛ قد يكون الملف مبتورًا، فصدّره من جديد", apart(element))
            }
            Self::UnexpectedClose { element } => {
                format!("العنصر {} يُغلق هنا ولم يكن مفتوحًا؛ احذف الوسم أو صدّر الملف من جديد", apart(element))
            }
            Self::Misplaced { element } => {
                format!("العنصر {} خارج قائمة المعاملات؛ صدّر الملف من جديد", apart(element))
            }
            Self::OutsideRoot { element } => {
                format!("العنصر {} خارج {}؛ احذفه أو صدّر الملف من جديد", apart(element), apart("OFX"))
            }
            Self::UnexpectedText { element } => {
                format!("في {} نص، ولا يجوز فيه إلا العناصر؛ احذف النص", apart(element))
            }
            Self::UnknownEntity { name } => format!(
                "الكيان {} غير معرَّف؛ اكتب الحرف نفسه، واكتب {} هكذا {}",
                apart(&format!("&{name};")),
                apart("&"),
                apart("&amp;")
            ),
            Self::TooDeep => {
                format!("تداخل العناصر أعمق من {}؛ صدّر الملف من جديد", limits::NESTING_MAX_DEPTH)
            }
            Self::TooManyElements => {
                format!("في الملف أكثر من {} عنصر؛ صدّر مدة أقصر", limits::ELEMENTS_MAX_COUNT)
            }
            Self::TooManyTransactions => {
                format!("في الملف أكثر من {} معاملة؛ صدّر مدة أقصر", limits::TRANSACTIONS_MAX_COUNT)
            }
            Self::TextTooLong { element } => {
                format!("نص العنصر {} أطول من {} بايت؛ اختصره", apart(element), limits::TEXT_MAX_BYTES)
            }
            Self::Missing { parent, element } => format!(
                "العنصر {} ينقصه {} أو هو فارغ؛ صدّر الملف من جديد أو أضفه",
                apart(parent),
                apart(element)
            ),
            Self::NotAnAmount { element, value, example } => format!(
                "قيمة {} هي {}، وليست مبلغًا؛ اكتبها هكذا {}",
                apart(element),
                apart(value),
                apart(example)
            ),
            Self::AmbiguousAmount { element, value } => format!(
                "قيمة {} هي {}، وتحتمل مبلغين؛ اكتبها مع كسورها هكذا {}",
                apart(element),
                apart(value),
                apart("1234.00")
            ),
            Self::TooManyDecimals { element, value, currency, exponent } => format!(
                "قيمة {} هي {}، وعدد الخانات العشرية للعملة {} هو {exponent}؛ صحّح المبلغ أو العملة",
                apart(element),
                apart(value),
                apart(currency)
            ),
            Self::AmountTooLarge { element, value } => {
                format!("قيمة {} هي {}، وهي أكبر من أي مبلغ يُقرأ؛ صحّحها", apart(element), apart(value))
            }
            Self::NotADate { element, value, example } => format!(
                "قيمة {} هي {}، وليست تاريخًا؛ اكتبها هكذا {}",
                apart(element),
                apart(value),
                apart(example)
            ),
            Self::NotACurrency { element, value } => format!(
                "قيمة {} هي {}، وليست عملة من ISO 4217؛ اكتبها هكذا {}",
                apart(element),
                apart(value),
                apart("USD")
            ),
            Self::CurrencyMismatch { expected, found } => {
                format!("عملة الرصيد {} وعملة الحساب {}؛ صحّح إحداهما", apart(found), apart(expected))
            }
            Self::NotACode { element, value, expected } => format!(
                "قيمة {} هي {}، وليست من القيم {}؛ صحّحها",
                apart(element),
                apart(value),
                apart(expected)
            ),
            Self::BankRefused { code } => {
                format!("أجاب البنك بالخطأ {} بدل كشف الحساب؛ نزّل الملف لاحقًا من جديد", apart(code))
            }
            Self::NoStatement => {
                "ليس في الملف كشف حساب بنكي ولا كشف بطاقة ائتمان؛ وحسابات الاستثمار لا تُقرأ".to_owned()
            }
        }
    }
}
