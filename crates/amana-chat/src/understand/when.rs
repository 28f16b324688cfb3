//! The time that a question names. Questions look back: "in October" is the last October that has begun.

use super::words::{Words, forms};
use amana_render::limits::PERIOD_DAYS_MAX;
use amana_render::{Period, PeriodLabel};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// The first day of a week: Sunday in the United States and in most of the Arab world.
const WEEK_STARTS: Weekday = Weekday::Sunday;

/// A period, and the words that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    /// The period.
    pub(super) period: Period,
    /// The first word.
    pub(super) start: usize,
    /// The word after the last.
    pub(super) end: usize,
}

impl When {
    /// Whether a word belongs to the time.
    pub(super) fn covers(&self, i: usize) -> bool {
        (self.start..self.end).contains(&i)
    }
}

/// The first period that the words name.
pub(super) fn find(words: &Words<'_>, today: Date) -> Option<When> {
    (0..words.len()).find_map(|i| {
        let (period, len) =
            range(words, i, today).or_else(|| since(words, i, today)).or_else(|| point(words, i, today))?;
        // A preposition before it belongs to it, so that it does not look for a shop.
        let before = i.checked_sub(1).map_or("", |b| words.at(b));
        let start = if is(
            before,
            &["in", "on", "during", "for", "within", "over", "of", "في", "خلال", "ب", "عن", "the", "ل"],
        ) {
            i.saturating_sub(1)
        } else {
            i
        };
        Some(When { period, start, end: i + len })
    })
}

fn is(word: &str, list: &[&str]) -> bool {
    !word.is_empty() && list.contains(&word)
}

fn any_form(word: &str, list: &[&str]) -> bool {
    forms(word).any(|f| list.contains(&f))
}

/// "from March to May", "between 1 March and 5 March", "من مارس إلى مايو".
fn range(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    if !is(words.at(i), &["from", "between", "من", "بين"]) {
        return None;
    }
    let (first, n) = point(words, i + 1, today)?;
    let mut j = i + 1 + n;
    let joined = words.at(j).strip_prefix('و').is_some_and(|w| !w.is_empty()) && words.at(i) == "بين";
    if !joined {
        if !is(words.at(j), &["to", "until", "till", "and", "الي", "حتي", "لغايه", "ل", "و"]) {
            return None;
        }
        j += 1;
    }
    let (last, m) = if is(words.at(j), &["now", "الان"]) {
        (Period::today(today), 1)
    } else {
        point(words, j, today)?
    };
    let (from, to) = (first.from.max(floor(today)), last.to);
    (from < to).then_some((Period { from, to, label: PeriodLabel::Range }, j + m - i))
}

/// "since Monday", "two weeks ago", "منذ شهر", "من أسبوعين", "قبل يومين".
fn since(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    if let Some((span, n)) = amount(words, i, today)
        && words.at(i + n) == "ago"
    {
        return Some((Period::since(today, span), n + 1));
    }
    if !is(words.at(i), &["since", "after", "منذ", "مند", "من", "قبل", "ابتدا"]) {
        return None;
    }
    if let Some((from, n)) = amount(words, i + 1, today) {
        let ago = usize::from(words.at(i + 1 + n) == "ago");
        return Some((Period::since(today, from), 1 + n + ago));
    }
    let (period, n) = point(words, i + 1, today)?;
    Some((Period::since(today, period.from), 1 + n))
}

/// "two weeks", "شهر", "أسبوعين", "3 أشهر": the day so long ago.
fn amount(words: &Words<'_>, i: usize, today: Date) -> Option<(Date, usize)> {
    let (count, unit, n) = counted(words, i)?;
    Some((back(today, count, unit), n))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

fn unit(word: &str) -> Option<Unit> {
    if is(word, &["day", "days"]) || any_form(word, &["يوم", "ايام", "يوما"]) {
        Some(Unit::Day)
    } else if is(word, &["week", "weeks", "wk"]) || any_form(word, &["اسبوع", "اسابيع", "اسبوعا", "جمعه"])
    {
        Some(Unit::Week)
    } else if is(word, &["month", "months"]) || any_form(word, &["شهر", "شهور", "اشهر", "شهرا"])
    {
        Some(Unit::Month)
    } else if is(word, &["year", "years"]) || any_form(word, &["سنه", "سنوات", "سنين", "عام", "اعوام"])
    {
        Some(Unit::Year)
    } else {
        None
    }
}

fn dual(word: &str) -> Option<Unit> {
    let duals =
        [("يومين", Unit::Day), ("اسبوعين", Unit::Week), ("شهرين", Unit::Month), ("سنتين", Unit::Year)];
    duals.iter().find(|(w, _)| any_form(word, &[w])).map(|(_, u)| *u)
}

/// A number of units: the number, the unit, and how many words that took.
fn counted(words: &Words<'_>, i: usize) -> Option<(u16, Unit, usize)> {
    if let Some(unit) = dual(words.at(i)) {
        return Some((2, unit, 1));
    }
    if let Some(n) = number(words.at(i)) {
        let of = usize::from(words.at(i + 1) == "of");
        return unit(words.at(i + 1 + of)).map(|u| (n, u, 2 + of));
    }
    if is(words.at(i), &["a", "an", "one"]) {
        let couple = is(words.at(i + 1), &["couple"]);
        let at = i + 1 + if couple { 1 + usize::from(words.at(i + 2) == "of") } else { 0 };
        return unit(words.at(at)).map(|u| (if couple { 2 } else { 1 }, u, at + 1 - i));
    }
    // "منذ شهر": one. With the article it is "the month", which is another thing.
    let word = words.at(i);
    (!word.starts_with("ال") && !word.is_ascii()).then(|| unit(word)).flatten().map(|u| (1, u, 1))
}

fn back(today: Date, count: u16, unit: Unit) -> Date {
    let count = i64::from(count.min(PERIOD_DAYS_MAX));
    let day = match unit {
        Unit::Day => today.saturating_sub(count.days()),
        Unit::Week => today.saturating_sub(count.weeks()),
        Unit::Month => today.saturating_sub(count.months()),
        Unit::Year => today.saturating_sub(count.years()),
    };
    day.max(floor(today))
}

fn floor(today: Date) -> Date {
    today.saturating_sub(i64::from(PERIOD_DAYS_MAX).days())
}

/// A number of at most three digits, or a number word up to twelve.
pub(super) fn number(word: &str) -> Option<u16> {
    if !word.is_empty() && word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit()) {
        return word.parse().ok();
    }
    const WORDS: [(u16, &[&str]); 13] = [
        (2, &["two", "couple", "اثنين"]),
        (3, &["three", "ثلاث", "ثلاثه", "تلات", "تلاته"]),
        (4, &["four", "اربع", "اربعه"]),
        (5, &["five", "خمس", "خمسه"]),
        (6, &["six", "ست", "سته"]),
        (7, &["seven", "سبع", "سبعه"]),
        (8, &["eight", "ثماني", "ثمانيه", "تمن", "تمانيه"]),
        (9, &["nine", "تسع", "تسعه"]),
        (10, &["ten", "عشر", "عشره"]),
        (11, &["eleven"]),
        (12, &["twelve"]),
        (30, &["thirty", "ثلاثين"]),
        (20, &["twenty", "عشرين"]),
    ];
    WORDS.iter().find(|(_, list)| is(word, list)).map(|(n, _)| *n)
}

/// A named stretch of time: a day, a week, a month, a year, the last so many days.
fn point(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let word = words.at(i);
    if is(word, &["today", "tonight", "اليوم", "النهارده", "النهاردا", "الليله"]) {
        // "اليوم" after "this" is still today.
        return Some((Period::today(today), 1));
    }
    if is(word, &["yesterday", "yday", "امس", "امبارح", "البارح", "البارحه", "مبارح"])
    {
        return Some((Period::yesterday(today), 1));
    }
    last_amount(words, i, today)
        .or_else(|| weekend(words, i, today))
        .or_else(|| this_or_last(words, i, today))
        .or_else(|| iso_date(words, i, today))
        .or_else(|| month(words, i, today))
        .or_else(|| year(words, i, today))
        .or_else(|| weekday(words, i, today))
}

/// "last 30 days", "آخر أسبوعين", "خلال 10 أيام".
fn last_amount(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    if !is(words.at(i), &["last", "past", "previous", "recent", "اخر", "خلال"]) {
        return None;
    }
    let (count, unit, n) = counted(words, i + 1)?;
    let period = match unit {
        Unit::Day => Period::last_days(today, count),
        Unit::Week => Period::last_days(today, count.saturating_mul(7)),
        Unit::Month if count == 1 => Period::last_days(today, 30),
        Unit::Month => Period::last_months(today, count),
        Unit::Year => Period::since(today, back(today, count, Unit::Year)),
    };
    Some((period, 1 + n))
}

const PAST: [&str; 10] =
    ["الماضي", "الماضيه", "الفايت", "الفايته", "السابق", "السابقه", "المنصرم", "الفائت", "اللي", "الي"];
const CURRENT: [&str; 7] = ["هذا", "هذه", "هاد", "هادا", "ده", "دي", "هاي"];

/// "this month", "last week", "الشهر الماضي", "هالأسبوع", "الأسبوع اللي فات".
fn this_or_last(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let word = words.at(i);
    let named = |unit: Unit, last: bool| match (unit, last) {
        (Unit::Day, false) => Period::today(today),
        (Unit::Day, true) => Period::yesterday(today),
        (Unit::Week, false) => Period::this_week(today, WEEK_STARTS),
        (Unit::Week, true) => Period::last_week(today, WEEK_STARTS),
        (Unit::Month, false) => Period::this_month(today),
        (Unit::Month, true) => Period::last_month(today),
        (Unit::Year, false) => Period::this_year(today),
        (Unit::Year, true) => Period::last_year(today),
    };
    if word.is_ascii() {
        let last = is(word, &["last", "past", "previous", "prior"]);
        let this = is(word, &["this", "current"]);
        let unit = unit(words.at(i + 1)).filter(|_| last || this)?;
        return Some((named(unit, last), 2));
    }
    if is(word, &CURRENT) {
        return unit(words.at(i + 1)).map(|u| (named(u, false), 2));
    }
    let unit = unit(word)?;
    let next = words.at(i + 1);
    if is(next, &PAST) {
        let two = is(next, &["اللي", "الي"]);
        if two && !is(words.at(i + 2), &["فات", "فاتت", "راح", "راحت", "مضي", "مضت", "عدي"])
        {
            return None;
        }
        return Some((named(unit, true), if two { 3 } else { 2 }));
    }
    if is(next, &CURRENT) || is(next, &["الحالي", "الحاليه", "الجاري"]) {
        return Some((named(unit, false), 2));
    }
    // "الشهر", "هالشهر" alone: this one.
    let definite = word.starts_with("ال") || word.starts_with("هال") || word.starts_with("بال");
    let numbered = number(next).is_some() || month_number(next, true).is_some();
    (definite && !numbered && unit != Unit::Day).then(|| (named(unit, false), 1))
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "يناير", "كانون الثاني"],
    &["february", "feb", "febuary", "فبراير", "شباط"],
    &["march", "mar", "مارس", "اذار"],
    &["april", "apr", "ابريل", "نيسان"],
    &["may", "مايو", "ايار", "ماي"],
    &["june", "jun", "يونيو", "حزيران", "يونيه"],
    &["july", "jul", "يوليو", "تموز", "يوليه"],
    &["august", "aug", "اغسطس", "اب"],
    &["september", "sep", "sept", "سبتمبر", "ايلول", "شتنبر"],
    &["october", "oct", "اكتوبر", "تشرين الاول"],
    &["november", "nov", "نوفمبر", "تشرين الثاني"],
    &["december", "dec", "ديسمبر", "كانون الاول", "دجنبر"],
];

/// Names that are other words too; they count only beside something that makes them a month.
const UNSURE: [&str; 4] = ["may", "march", "mar", "اب"];

fn month_number(word: &str, sure: bool) -> Option<i8> {
    if !sure && is(word, &UNSURE) {
        return None;
    }
    let at = MONTHS.iter().position(|names| forms(word).any(|f| names.contains(&f)))?;
    i8::try_from(at + 1).ok()
}

/// A month by its name: its number, and how many words that took.
fn month_name(words: &Words<'_>, i: usize, sure: bool) -> Option<(i8, usize)> {
    let two = format!("{} {}", words.at(i), words.at(i + 1));
    month_number(&two, true).map(|m| (m, 2)).or_else(|| month_number(words.at(i), sure).map(|m| (m, 1)))
}

/// "October", "in May", "October 2025", "5 October", "Oct 5th", "شهر 10".
fn month(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let before = i.checked_sub(1).map_or("", |b| words.at(b));
    let leads = is(
        before,
        &[
            "in", "since", "during", "for", "of", "last", "from", "to", "until", "between", "and", "في",
            "منذ", "من", "خلال", "شهر", "الي",
        ],
    );
    let year_at = |j: usize| four_digits(words.at(j)).filter(|y| (2000..=today.year()).contains(y));
    // "5 October [2025]"
    if let Some(day) = day_number(words.at(i)) {
        let of = usize::from(words.at(i + 1) == "of");
        if let Some((m, n)) = month_name(words, i + 1 + of, true) {
            let year = year_at(i + 1 + of + n);
            let date = latest(today, year, m, day)?;
            return Some((Period::day(date), 1 + of + n + usize::from(year.is_some())));
        }
    }
    // "last October" is the latest one; "شهر 10", "شهر أكتوبر"
    let skip = usize::from(is(words.at(i), &["last", "month", "شهر", "بشهر"]));
    let at = i + skip;
    if skip == 1
        && any_form(words.at(i), &["شهر"])
        && let Some(m) =
            number(words.at(at)).and_then(|n| i8::try_from(n).ok()).filter(|m| (1..=12).contains(m))
    {
        return Period::latest_month(today, m).map(|p| (p, 2));
    }
    let sure = leads || skip == 1 || year_at(at + 1).is_some() || day_number(words.at(at + 1)).is_some();
    let (m, n) = month_name(words, at, sure)?;
    let after = at + n;
    // "Oct 5 [2025]"
    if let Some(day) = day_number(words.at(after)) {
        let year = year_at(after + 1);
        let date = latest(today, year, m, day)?;
        return Some((Period::day(date), after + 1 + usize::from(year.is_some()) - i));
    }
    if let Some(year) = year_at(after) {
        return Period::month(today, year, m).map(|p| (p, after + 1 - i));
    }
    let said_last = is(words.at(after), &["الماضي", "اللي"]);
    Period::latest_month(today, m)
        .map(|p| (p, after - i + usize::from(said_last && words.at(after) == "الماضي")))
}

/// "5", "5th": a day of a month.
fn day_number(word: &str) -> Option<i8> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|s| word.strip_suffix(s)).unwrap_or(word);
    let digits = digits.strip_prefix('و').unwrap_or(digits);
    if digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|d| (1..=31).contains(d))
}

fn four_digits(word: &str) -> Option<i16> {
    (word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit())).then(|| word.parse().ok()).flatten()
}

/// The latest such day that is not in the future.
fn latest(today: Date, year: Option<i16>, month: i8, day: i8) -> Option<Date> {
    match year {
        Some(year) => Date::new(year, month, day).ok().filter(|d| *d <= today),
        None => [today.year(), today.year().saturating_sub(1)]
            .into_iter()
            .filter_map(|y| Date::new(y, month, day).ok())
            .find(|d| *d <= today),
    }
}

/// "2026-10-05", which normalising has made three words of.
fn iso_date(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let year = four_digits(words.at(i))?;
    let (month, day) = (day_number(words.at(i + 1))?, day_number(words.at(i + 2))?);
    let chunk = |j: usize| words.words.get(j).map(|w| w.chunk);
    let one = chunk(i) == chunk(i + 2);
    Date::new(year, month, day).ok().filter(|d| one && *d <= today).map(|d| (Period::day(d), 3))
}

/// "in 2025", "سنة 2025".
fn year(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let before = i.checked_sub(1).map_or("", |b| words.at(b));
    let named = is(words.at(i), &["year", "سنه", "عام"]);
    let at = i + usize::from(named);
    let leads = named
        || is(
            before,
            &["in", "since", "during", "for", "of", "from", "في", "منذ", "من", "خلال", "to", "الي", "since"],
        );
    let year = four_digits(words.at(at)).filter(|_| leads)?;
    Period::year(today, year).map(|p| (p, at + 1 - i))
}

const WEEKDAYS: [(&[&str], Weekday); 7] = [
    (&["monday", "الاثنين", "الاتنين"], Weekday::Monday),
    (&["tuesday", "الثلاثا", "التلات"], Weekday::Tuesday),
    (&["wednesday", "الاربعا"], Weekday::Wednesday),
    (&["thursday", "الخميس"], Weekday::Thursday),
    (&["friday", "الجمعه"], Weekday::Friday),
    (&["saturday", "السبت"], Weekday::Saturday),
    (&["sunday", "الاحد"], Weekday::Sunday),
];

/// "last weekend", "this weekend": the latest Saturday and Sunday that have begun.
fn weekend(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let skip = usize::from(is(words.at(i), &["last", "this", "the"]));
    if words.at(i + skip) != "weekend" {
        return None;
    }
    let from = today.saturating_sub(i64::from(Weekday::Saturday.until(today.weekday())).days());
    let to = from.saturating_add(2.days()).min(today.saturating_add(1.day()));
    Some((Period { from, to, label: PeriodLabel::Range }, 1 + skip))
}

/// "on Monday", "last Friday", "يوم الخميس": the latest before today.
fn weekday(words: &Words<'_>, i: usize, today: Date) -> Option<(Period, usize)> {
    let skip = usize::from(is(words.at(i), &["last", "this", "يوم"]));
    let word = words.at(i + skip);
    let day = WEEKDAYS.iter().find(|(names, _)| is(word, names)).map(|(_, d)| *d)?;
    let back = match i64::from(day.until(today.weekday())) {
        0 => 7,
        n => n,
    };
    let after = usize::from(is(words.at(i + skip + 1), &["الماضي"]));
    Some((Period::day(today.saturating_sub(back.days())), 1 + skip + after))
}
