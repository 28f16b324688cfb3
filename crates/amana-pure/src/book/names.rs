//! Whether two lines of a bank name the same shop. Banks write a shop's name in one way when a card is used and in
//! another when it is booked: with the processor in front, cut off, with a city or a number behind.

use crate::{normalise, sound};
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::Transaction;

/// Words that name no shop: processors and ways to pay, and what banks write before the name.
const NOISE: &[&str] = &[
    "sq",
    "tst",
    "sp",
    "pp",
    "py",
    "paypal",
    "zettle",
    "sumup",
    "stripe",
    "pos",
    "purchase",
    "purch",
    "debit",
    "credit",
    "card",
    "checkcard",
    "visa",
    "mastercard",
    "mada",
    "recurring",
    "payment",
    "pmt",
    "pending",
    "auth",
    "authorization",
    "contactless",
    "online",
    "the",
    "شراء",
    "عمليه",
    "نقاط",
    "بيع",
    "مدي",
];
/// Words that stand for another.
const SHORT: &[(&str, &str)] =
    &[("amzn", "amazon"), ("wm", "walmart"), ("mcd", "mcdonalds"), ("sbux", "starbucks")];
/// Words of shops where the hold is not the price: at a pump.
const FUEL: &[&str] = &[
    "fuel",
    "gas",
    "petrol",
    "petroleum",
    "oil",
    "station",
    "shell",
    "exxon",
    "mobil",
    "chevron",
    "texaco",
    "bp",
    "sunoco",
    "valero",
    "arco",
    "adnoc",
    "enoc",
    "eppco",
    "aramco",
    "petromin",
    "aldrees",
    "sasco",
    "وقود",
    "محطه",
    "محطات",
    "بترول",
    "الدريس",
    "ساسكو",
];
/// The same of beds and hired cars.
const LODGING: &[&str] = &[
    "hotel",
    "hotels",
    "inn",
    "suites",
    "resort",
    "lodge",
    "motel",
    "hostel",
    "marriott",
    "hilton",
    "hyatt",
    "sheraton",
    "rotana",
    "hertz",
    "avis",
    "enterprise",
    "europcar",
    "sixt",
    "rental",
    "فندق",
    "فنادق",
    "منتجع",
    "تاجير",
];

/// What kind of holds a shop makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trade {
    Fuel,
    Lodging,
    Other,
}

pub(super) fn trade(t: &Transaction) -> Trade {
    let words: Vec<String> = texts(t).flat_map(words).collect();
    let any = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    match () {
        () if any(FUEL) => Trade::Fuel,
        () if any(LODGING) => Trade::Lodging,
        () => Trade::Other,
    }
}

/// Whether they may be one shop: any name of one and any of the other.
pub(super) fn alike(a: &Transaction, b: &Transaction) -> bool {
    texts(a).any(|a| {
        let a = words(a);
        texts(b).any(|b| one_shop(&a, &words(b)))
    })
}

/// Whether both name a branch by its number, and not the same one.
pub(super) fn other_branch(a: &Transaction, b: &Transaction) -> bool {
    let branches = |t: &Transaction| -> Vec<String> {
        texts(t)
            .flat_map(|text| normalise(text).split(' ').map(String::from).collect::<Vec<_>>())
            .filter(|w| (2..=6).contains(&w.len()) && w.bytes().all(|c| c.is_ascii_digit()))
            .collect()
    };
    let (a, b) = (branches(a), branches(b));
    !a.is_empty() && !b.is_empty() && !a.iter().any(|w| b.contains(w))
}

fn texts(t: &Transaction) -> impl Iterator<Item = &str> {
    t.merchant.as_deref().into_iter().chain([t.description.as_str()]).filter(|text| !text.is_empty())
}

fn words(text: &str) -> Vec<String> {
    normalise(text)
        .split(' ')
        .filter(|w| !w.is_empty() && !NOISE.contains(w) && !w.bytes().any(|c| c.is_ascii_digit()))
        .map(|w| SHORT.iter().find(|(short, _)| *short == w).map_or(w, |(_, long)| long))
        .map(String::from)
        .collect()
}

/// Letters with which two names must begin alike where words say nothing more.
const LEAD_MIN: usize = 6;

/// Whether both begin with the same name, which one of them writes in two words: "wal mart dallas", "walmart 331".
fn same_lead(a: &[String], b: &[String]) -> bool {
    let leads = |words: &[String]| -> Vec<String> {
        let mut lead = String::new();
        let mut leads = Vec::new();
        for word in words.iter().take(3) {
            lead.push_str(word);
            leads.push(lead.clone());
        }
        leads
    };
    let (a, b) = (leads(a), leads(b));
    a.iter().any(|lead| lead.chars().count() >= LEAD_MIN && b.contains(lead))
}

fn one_shop(a: &[String], b: &[String]) -> bool {
    let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { return false };
    let (joined_a, joined_b) = (a.concat(), b.concat());
    let (short, long) =
        if joined_a.len() <= joined_b.len() { (&joined_a, &joined_b) } else { (&joined_b, &joined_a) };
    if short.chars().count() >= 4 && long.starts_with(short.as_str()) {
        return true;
    }
    if first_a == first_b {
        // A short first word ("blue", "al") is many shops; the next one decides.
        let next = match (a.get(1), b.get(1)) {
            (Some(a), Some(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
            _ => true,
        };
        return first_a.chars().count() >= LEAD_MIN || next;
    }
    same_lead(a, b) || sound::alike(a, b) || sound::alike(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_known_however_the_bank_writes_it() {
        let same = |a: &str, b: &str| one_shop(&words(a), &words(b));
        for (a, b) in [
            ("SQ *BLUE BOTTLE COFFEE", "BLUE BOTTLE COFFEE SAN FRANCISCO CA"),
            ("BLUE BOTTLE COF", "Blue Bottle Coffee"),
            ("AMZN Mktp US*2K3LD", "AMAZON.COM*RT5 SEATTLE"),
            ("STARBUCKS STORE 01234", "Starbucks Seattle WA"),
            ("WAL MART #12", "WALMART SUPERCENTER"),
            ("WALMART SUPERCENTER 331", "WAL-MART DALLAS TX"),
            ("ستاربكس", "STARBUCKS RIYADH"),
            ("POS PURCHASE TRADER JOES #55", "TRADER JOE'S"),
        ] {
            assert!(same(a, b) && same(b, a), "{a} | {b}");
        }
        for (a, b) in [
            ("BLUE BOTTLE COFFEE", "BLUE APRON"),
            ("SHELL OIL 5551", "STARBUCKS"),
            ("PAYPAL *EBAY", "PAYPAL *SPOTIFY"),
            ("POS PURCHASE", "POS PURCHASE"),
            ("", "Amazon"),
            ("كارفور", "STARBUCKS"),
        ] {
            assert!(!same(a, b) && !same(b, a), "{a} | {b}");
        }
    }
}
