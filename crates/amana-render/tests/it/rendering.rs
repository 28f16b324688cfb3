//! What is said about bank data, in each form and language.

use crate::now;
use amana_core::{
    Account, AccountId, AccountKind, Action, BankEventBody, Content, Currency, Direction, Lang, Money, Page,
    Transaction, TransactionState,
};
use amana_render::{
    AccountLabel, BalanceArgs, Period, Render, RenderContext, SpendingArgs, Story, TransactionsArgs,
    UpdateArgs, format,
};

/// The three forms of one kind of data, as functions.
struct Say<R: Render> {
    notice: fn(&RenderContext) -> Content,
    summary: fn(&R::Data, &R, &RenderContext) -> Content,
    detail: fn(&R::Data, &R, &RenderContext) -> Content,
}

const fn say<R: Render>() -> Say<R> {
    Say {
        notice: R::notice,
        summary: |data, args, ctx| args.summary(data, ctx),
        detail: |data, args, ctx| args.detail(data, ctx),
    }
}

const BALANCES: Say<BalanceArgs> = say();
const TRANSACTIONS: Say<TransactionsArgs> = say();
const SPENDING: Say<SpendingArgs> = say();
const UPDATE: Say<UpdateArgs> = say();

pub(crate) fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::from_code(code).expect("a currency"))
}

pub(crate) fn account(id: &str, kind: AccountKind) -> Account {
    Account {
        id: AccountId::new(id).expect("an id"),
        name: "Everyday Money".to_owned(),
        last_four: Some("6789".to_owned()),
        kind,
        current: Some(money(123_456, "USD")),
        available: Some(money(120_000, "USD")),
        as_of: Some("2026-11-23T11:30:00Z".parse().expect("an instant")),
    }
}

pub(crate) fn tx(id: &str, merchant: &str, minor: i64, at: &str) -> Transaction {
    Transaction {
        id: id.to_owned(),
        reference_id: None,
        account: AccountId::new("a").expect("an id"),
        state: TransactionState::Posted,
        direction: Direction::Out,
        amount: money(minor, "USD"),
        merchant: Some(merchant.to_owned()),
        description: format!("POS {merchant}"),
        at: at.parse().expect("an instant"),
    }
}

fn ctx(lang: Lang) -> RenderContext {
    RenderContext {
        lang,
        institution_name: "Chase".to_owned(),
        now: now(),
        open_url: Some("https://bank.example/open".to_owned()),
    }
}

/// Everything that a message shows.
fn all(content: &Content) -> String {
    let lines =
        content.card.iter().flat_map(|c| &c.lines).flat_map(|l| [l.title.as_str(), l.subtitle.as_str()]);
    [content.text.as_str()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// The same without isolates and marks, and with ordinary spaces.
fn shown(content: &Content) -> String {
    all(content)
        .chars()
        .filter(|c| !matches!(c, '\u{2066}'..='\u{2069}' | '\u{200F}'))
        .map(|c| if c == '\u{A0}' { ' ' } else { c })
        .collect()
}

#[test]
fn amounts_in_both_languages() {
    let bare = |lang, m| format::money(lang, m).replace('\u{A0}', " ");
    for (minor, code, en, ar) in [
        (123_450, "USD", "$1,234.50", "1,234.50 USD"),
        (-1_200, "USD", "-$12.00", "-12.00 USD"),
        (5, "EUR", "€0.05", "0.05 EUR"),
        (0, "GBP", "£0.00", "0.00 GBP"),
        (1_234_500, "KWD", "KWD 1,234.500", "1,234.500 KWD"),
        (-999, "AED", "-AED 9.99", "-9.99 AED"),
        (1_000_000, "JPY", "¥1,000,000", "1,000,000 JPY"),
        (i64::MIN, "USD", "-$92,233,720,368,547,758.08", "-92,233,720,368,547,758.08 USD"),
    ] {
        assert_eq!(bare(Lang::English, money(minor, code)), format!("\u{2066}{en}\u{2069}"));
        assert_eq!(bare(Lang::Arabic, money(minor, code)), format!("\u{2066}{ar}\u{2069}"));
    }
    assert_eq!(format::masked("6789"), "\u{2066}••6789\u{2069}");
    assert_eq!(format::date(Lang::English, now(), now()), "Nov 23");
    assert_eq!(format::date(Lang::Arabic, now(), now()), "23 نوفمبر");
    let before = "2025-03-05T23:59:00Z".parse().expect("an instant");
    assert_eq!(format::date(Lang::English, before, now()), "Mar 5, 2025");
    assert_eq!(format::date(Lang::Arabic, before, now()), "5 مارس 2025");
    assert_eq!(format::date_time(Lang::English, before, now()), "Mar 5, 2025, \u{2066}23:59 UTC\u{2069}");
}

#[test]
fn balances_are_said_in_the_form_that_was_allowed() {
    let accounts = vec![account("a", AccountKind::Checking), account("b", AccountKind::CreditCard)];
    let detail = shown(&(BALANCES.detail)(&accounts, &BalanceArgs::default(), &ctx(Lang::English)));
    assert_eq!(
        detail,
        "Here are your balances at Chase:\nAs of Nov 23, 11:30 UTC.\nEveryday Money ••6789\n$1,200.00 available · $1,234.56 booked\nEveryday Money ••6789\nYou owe $1,234.56 · $1,200.00 left to spend"
    );
    let detail = shown(&(BALANCES.detail)(&accounts, &BalanceArgs::default(), &ctx(Lang::Arabic)));
    assert!(
        detail.starts_with(
            "رصيداك لدى Chase:\nبتاريخ 23 نوفمبر، 11:30 UTC.\nEveryday Money ••6789\nالمتاح 1,200.00 USD"
        ),
        "{detail}"
    );
    for lang in Lang::ALL {
        let summary = shown(&(BALANCES.summary)(&accounts, &BalanceArgs::default(), &ctx(*lang)));
        assert!(!summary.contains("6789") && !summary.contains("Everyday"), "{summary}");
        assert!(summary.contains("1,200.00"), "{summary}");
        let notice = (BALANCES.notice)(&ctx(*lang));
        assert!(!notice.text.contains(|c: char| c.is_ascii_digit()), "{notice:?}");
        assert!(
            matches!(notice.buttons.as_slice(), [Action::Url { url, .. }] if url == "https://bank.example/open")
        );
        let none = shown(&(BALANCES.detail)(&vec![], &BalanceArgs::default(), &ctx(*lang)));
        assert!(none.contains("Chase") && !none.contains(':'), "{none}");
        let bare = Account {
            current: None,
            available: None,
            as_of: None,
            name: String::new(),
            last_four: None,
            ..accounts[0].clone()
        };
        let bare = (BALANCES.detail)(&vec![bare], &BalanceArgs::new(Some(AccountKind::Loan)), &ctx(*lang));
        assert!(bare.card.is_some_and(|c| !c.lines[0].title.is_empty() && !c.lines[0].subtitle.is_empty()));
    }
}

#[test]
fn transactions_are_a_line_each() {
    let mut rows = vec![
        tx("1", "Blue Bottle Coffee", 450, "2026-11-20T10:00:00Z"),
        tx("2", "مقهى الصباح", 500, "2026-11-19T10:00:00Z"),
    ];
    rows[0].state = TransactionState::Pending;
    rows[1].direction = Direction::In;
    let page = Page { rows, truncated: false };
    let detail = (TRANSACTIONS.detail)(&page, &TransactionsArgs::default(), &ctx(Lang::English));
    assert_eq!(
        shown(&detail),
        "Your latest 2 transactions at Chase:\nBlue Bottle Coffee\n-$4.50 · Nov 20 · pending\nمقهى الصباح\n$5.00 · Nov 19"
    );
    let args = TransactionsArgs {
        merchant: Some("بلو".to_owned()),
        period: Some(Period::last_month("2026-11-23".parse().unwrap())),
    };
    let detail = shown(&(TRANSACTIONS.detail)(&page, &args, &ctx(Lang::Arabic)));
    assert!(detail.starts_with("آخر معاملتين في بلو الشهر الماضي (من 1 أكتوبر إلى 31 أكتوبر):"), "{detail}");
    for lang in Lang::ALL {
        let summary = shown(&(TRANSACTIONS.summary)(&page, &args, &ctx(*lang)));
        assert!(
            !summary.contains("Blue") && !summary.contains("الصباح") && !summary.contains("بلو"),
            "{summary}"
        );
        let none = Page { rows: vec![], truncated: true };
        let none = (TRANSACTIONS.detail)(&none, &args, &ctx(*lang));
        assert!(none.card.is_none() && none.text.lines().count() == 2, "{none:?}");
    }
    let many = Page { rows: vec![page.rows[0].clone(); 30], truncated: false };
    let many = (TRANSACTIONS.detail)(&many, &TransactionsArgs::default(), &ctx(Lang::Arabic));
    assert_eq!(many.card.expect("a card").lines.len(), 10);
}

fn spending(
    rows: Vec<Transaction>,
    merchant: Option<&str>,
    lang: Lang,
    truncated: bool,
    detail: bool,
) -> String {
    let args = SpendingArgs {
        merchant: merchant.map(str::to_owned),
        period: Period::last_month("2026-11-23".parse().expect("a day")),
    };
    let render = if detail { SPENDING.detail } else { SPENDING.summary };
    shown(&render(&Page { rows, truncated }, &args, &ctx(lang)))
}

#[test]
fn spending_is_what_went_out_less_what_came_back() {
    let bb = |id: &str, minor| tx(id, "BLUE BOTTLE #12", minor, "2026-10-05T10:00:00Z");
    let rows = vec![
        bb("1", 1_000),
        bb("2", 500),
        Transaction { direction: Direction::In, reference_id: Some("1".to_owned()), ..bb("3", 250) },
        // Authorised and booked: once.
        Transaction { state: TransactionState::Pending, ..bb("4p", 700) },
        Transaction { reference_id: Some("4p".to_owned()), ..bb("4", 800) },
        // Undone, in both ways that banks tell it.
        Transaction { state: TransactionState::Reversed, ..bb("5", 9_900) },
        bb("6", 8_800),
        Transaction {
            state: TransactionState::Reversed,
            reference_id: Some("6".to_owned()),
            ..bb("6r", 8_800)
        },
        Transaction { direction: Direction::Memo, ..bb("7", 7_700) },
        // Another shop, another month, another currency, and salary.
        tx("8", "Lyft", 3_000, "2026-10-06T10:00:00Z"),
        tx("9", "Blue Bottle", 4_000, "2026-11-01T00:00:00Z"),
        Transaction { amount: money(300, "EUR"), ..bb("10", 0) },
        Transaction {
            direction: Direction::In,
            ..tx("11", "NORTHWIND PAYROLL", 500_000, "2026-10-01T10:00:00Z")
        },
    ];
    assert_eq!(
        spending(rows.clone(), Some("blue bottle"), Lang::English, false, true),
        "You spent $20.50 and €3.00 at blue bottle last month (Oct 1 – Oct 31), in 4 payments.\nOne refund of $2.50 is already taken off.\nCounted: BLUE BOTTLE #12"
    );
    assert_eq!(
        spending(rows.clone(), Some("بلو بوتل"), Lang::Arabic, true, true),
        "أنفقت 20.50 USD و 3.00 EUR في بلو بوتل الشهر الماضي (من 1 أكتوبر إلى 31 أكتوبر)، في 4 عمليات دفع.\nبعد خصم مبلغ مسترد واحد قدره 2.50 USD.\nما شمله الحساب: BLUE BOTTLE #12\nلم أتمكن من قراءة كل معاملات هذه الفترة، فقد يكون المجموع الحقيقي أكبر."
    );
    let all = spending(rows.clone(), None, Lang::English, false, true);
    assert!(
        all.starts_with("You spent $50.50 and €3.00 last month (Oct 1 – Oct 31), in 5 payments."),
        "{all}"
    );
    let summary = spending(rows.clone(), Some("blue bottle"), Lang::English, false, false);
    assert!(!summary.to_lowercase().contains("blue") && summary.contains("$20.50"), "{summary}");
    assert_eq!(
        spending(rows.clone(), Some("Netflix"), Lang::English, true, true),
        "I found no payments at Netflix last month (Oct 1 – Oct 31).\nI could not read all of your transactions for this time, so the true sum may be higher."
    );
    assert!(!spending(rows, Some("Netflix"), Lang::Arabic, false, false).contains("Netflix"));
    assert_eq!(
        spending(vec![bb("1", 100), bb("2", 100)], None, Lang::Arabic, false, true),
        "أنفقت 2.00 USD الشهر الماضي (من 1 أكتوبر إلى 31 أكتوبر)، في عمليتي دفع."
    );
}

#[test]
fn what_stays_ones_own_is_no_spending() {
    let own = "Transfers between your own accounts and payments to your cards are not counted.";
    let on = |account: &str, direction, t: Transaction| Transaction {
        account: AccountId::new(account).expect("an id"),
        direction,
        ..t
    };
    let out = |account: &str, id: &str, text: &str, minor, day: &str| {
        on(account, Direction::Out, tx(id, text, minor, &format!("{day}T10:00:00Z")))
    };
    let into = |account: &str, id: &str, text: &str, minor, day: &str| {
        on(account, Direction::In, tx(id, text, minor, &format!("{day}T10:00:00Z")))
    };
    let everyday = vec![
        // Salary that equals the rent, on another account: neither is a transfer.
        into("savings", "1", "NORTHWIND PAYROLL", 100_000, "2026-10-01"),
        out("checking", "2", "Oak Street Rentals", 100_000, "2026-10-02"),
        // A refund on the card, and by chance an equal purchase elsewhere.
        out("card", "3", "Target", 5_000, "2026-10-03"),
        into("card", "4", "Target", 5_000, "2026-10-04"),
        out("checking", "5", "Lyft", 5_000, "2026-10-04"),
        // A credit on the same account, one that is too late, one of another amount.
        out("checking", "6", "Grocer", 700, "2026-10-05"),
        into("checking", "7", "A friend", 700, "2026-10-05"),
        into("savings", "8", "A friend", 700, "2026-10-09"),
        into("savings", "9", "A friend", 701, "2026-10-05"),
    ];
    let said = spending(everyday.clone(), None, Lang::English, false, true);
    assert_eq!(
        said,
        "You spent $1,057.00 last month (Oct 1 – Oct 31), in 4 payments.\nOne refund of $50.00 is already taken off."
    );
    let mut rows = everyday;
    rows.extend([
        // By the pair alone, in both orders of time; by the words alone; and a posted pair whose authorization is told.
        out("checking", "10", "WEB 4411", 20_000, "2026-10-10"),
        into("savings", "11", "WEB 4411", 20_000, "2026-10-12"),
        out("checking", "12", "CHASE CARD", 30_000, "2026-10-15"),
        into("card", "13", "PAYMENT THANK YOU", 30_000, "2026-10-14"),
        out("checking", "14", "Transfer to Goal Savings", 40_000, "2026-10-16"),
        Transaction {
            state: TransactionState::Pending,
            ..out("checking", "15p", "WEB 4412", 60_000, "2026-10-20")
        },
        Transaction {
            reference_id: Some("15p".to_owned()),
            ..out("checking", "15", "WEB 4412", 60_000, "2026-10-20")
        },
        into("savings", "16", "WEB 4412", 60_000, "2026-10-20"),
    ]);
    assert_eq!(spending(rows.clone(), None, Lang::English, false, true), format!("{said}\n{own}"));
    assert_eq!(spending(rows.clone(), None, Lang::English, false, false), format!("{said}\n{own}"));
    assert!(
        spending(rows.clone(), None, Lang::Arabic, false, true)
            .ends_with("لا يشمل ذلك التحويلات بين حساباتك ولا سداد بطاقاتك.")
    );
    // Asked for by name, it is told.
    assert_eq!(
        spending(rows, Some("Goal Savings"), Lang::English, false, false),
        "You spent $400.00 there last month (Oct 1 – Oct 31), in one payment."
    );
    // Nothing but transfers.
    assert_eq!(
        spending(
            vec![out("checking", "14", "Transfer to Goal Savings", 40_000, "2026-10-16")],
            None,
            Lang::English,
            false,
            true
        ),
        format!("I found no payments last month (Oct 1 – Oct 31).\n{own}")
    );
}

#[test]
fn updates_tell_one_story_in_each_form() {
    let label = AccountLabel { name: "Everyday Money".to_owned(), last_four: Some("6789".to_owned()) };
    let args = |story| UpdateArgs { story, account: Some(label.clone()) };
    let purchase = Transaction {
        state: TransactionState::Pending,
        ..tx("1", "Blue Bottle", 450, "2026-11-23T11:59:00Z")
    };
    let detail = |t: &Transaction, story, lang| {
        shown(&(UPDATE.detail)(&BankEventBody::Transaction(t.clone()), &args(story), &ctx(lang)))
    };
    assert_eq!(
        detail(&purchase, Story::New, Lang::English),
        "You paid $4.50 at Blue Bottle. Chase shows it as pending.\nAccount: Everyday Money ••6789"
    );
    assert_eq!(
        detail(&purchase, Story::New, Lang::Arabic),
        "دفعت 4.50 USD في Blue Bottle. العملية قيد التنفيذ لدى Chase.\nالحساب: Everyday Money ••6789"
    );
    assert!(detail(&purchase, Story::Changed, Lang::English).contains("has changed. It is now $4.50"));
    assert!(detail(&purchase, Story::Posted, Lang::English).contains("is now booked"));
    let fee = Transaction {
        merchant: None,
        description: "MONTHLY FEE".to_owned(),
        state: TransactionState::Posted,
        ..purchase.clone()
    };
    assert!(
        detail(&fee, Story::New, Lang::English)
            .starts_with("$4.50 left your account at Chase.\nThe bank’s words: MONTHLY FEE")
    );
    let salary =
        Transaction { direction: Direction::In, state: TransactionState::Posted, ..purchase.clone() };
    assert!(detail(&salary, Story::New, Lang::English).starts_with("$4.50 from Blue Bottle arrived"));
    let balance = BankEventBody::Balance(account("a", AccountKind::Checking));
    let text = shown(&(UPDATE.detail)(
        &balance,
        &UpdateArgs { story: Story::New, account: None },
        &ctx(Lang::English),
    ));
    assert_eq!(
        text,
        "Your balance at Chase has changed.\nEveryday Money ••6789: $1,200.00 available · $1,234.56 booked"
    );

    for lang in Lang::ALL {
        for story in [Story::New, Story::Changed, Story::Reversed, Story::Posted] {
            for direction in [Direction::Out, Direction::In, Direction::Memo] {
                for state in [TransactionState::Pending, TransactionState::Posted, TransactionState::Reversed]
                {
                    let t = Transaction { direction, state, ..purchase.clone() };
                    let body = BankEventBody::Transaction(t);
                    let summary = shown(&(UPDATE.summary)(&body, &args(story), &ctx(*lang)));
                    assert!(summary.contains("4.50"), "{summary}");
                    assert!(
                        !summary.contains("Blue")
                            && !summary.contains("6789")
                            && !summary.contains("Everyday"),
                        "{summary}"
                    );
                    let detail = shown(&(UPDATE.detail)(&body, &args(story), &ctx(*lang)));
                    assert!(
                        detail.contains("Blue Bottle") && detail.contains("6789") && !detail.contains('{'),
                        "{detail}"
                    );
                    assert!(!detail.starts_with("update-"), "{detail}");
                }
            }
        }
        let summary = shown(&(UPDATE.summary)(&balance, &args(Story::New), &ctx(*lang)));
        assert!(!summary.contains("6789") && !summary.contains("Everyday"), "{summary}");
        let notice = (UPDATE.notice)(&ctx(*lang));
        assert!(notice.text.contains("Chase") && notice.buttons.len() == 1 && notice.card.is_none());
        let without = RenderContext { open_url: None, ..ctx(*lang) };
        assert!((UPDATE.notice)(&without).buttons.is_empty());
    }
}

/// The bank sends the counter-entry: a reversed purchase comes as a credit.
#[test]
fn a_reversal_names_what_was_undone() {
    let back = tx("r", "Blue Bottle", 450, "2026-11-23T11:59:00Z");
    let say = |direction, state, story, lang, named: bool| {
        let t = Transaction { direction, state, ..back.clone() };
        let render = if named { UPDATE.detail } else { UPDATE.summary };
        shown(&render(&BankEventBody::Transaction(t), &UpdateArgs { story, account: None }, &ctx(lang)))
    };
    // The story says so, or the body does: either is enough.
    for (state, story) in [
        (TransactionState::Posted, Story::Reversed),
        (TransactionState::Reversed, Story::New),
        (TransactionState::Reversed, Story::Posted),
        (TransactionState::Reversed, Story::Reversed),
    ] {
        for (direction, lang, summary, detail) in [
            (
                Direction::In,
                Lang::English,
                "A payment of $4.50 was reversed. The money comes back to your account at Chase.",
                "Your payment of $4.50 at Blue Bottle was reversed. The money comes back to you.",
            ),
            (
                Direction::Out,
                Lang::English,
                "A deposit of $4.50 was taken back out of your account at Chase.",
                "The deposit of $4.50 from Blue Bottle was taken back out of your account.",
            ),
            (
                Direction::In,
                Lang::Arabic,
                "أُلغيت عملية دفع بمبلغ 4.50 USD، والمبلغ عائد إلى حسابك لدى Chase.",
                "أُلغيت عملية الدفع بمبلغ 4.50 USD في Blue Bottle، والمبلغ عائد إليك.",
            ),
            (
                Direction::Out,
                Lang::Arabic,
                "أُلغي إيداع بمبلغ 4.50 USD، وسُحب المبلغ من حسابك لدى Chase.",
                "أُلغي الإيداع بمبلغ 4.50 USD من Blue Bottle، وسُحب المبلغ من حسابك.",
            ),
        ] {
            assert_eq!(say(direction, state, story, lang, false), summary);
            assert_eq!(say(direction, state, story, lang, true), detail);
        }
    }
}

#[test]
fn a_card_says_first_what_is_left() {
    let card = account("a", AccountKind::CreditCard);
    let say = |account: &Account, lang, named: bool| {
        let render = if named { UPDATE.detail } else { UPDATE.summary };
        let args = UpdateArgs { story: Story::New, account: None };
        shown(&render(&BankEventBody::Balance(account.clone()), &args, &ctx(lang)))
    };
    assert_eq!(
        say(&card, Lang::English, true),
        "Everyday Money ••6789 at Chase: left to spend is now $1,200.00.\nYou owe $1,234.56."
    );
    assert_eq!(
        say(&card, Lang::English, false),
        "Credit card at Chase: left to spend is now $1,200.00.\nYou owe $1,234.56."
    );
    assert_eq!(
        say(&card, Lang::Arabic, false),
        "بطاقة ائتمان لدى Chase: المتاح للصرف الآن 1,200.00 USD.\nالمستحق عليك 1,234.56 USD."
    );
    let left = Account { current: None, ..card.clone() };
    assert_eq!(say(&left, Lang::English, false), "Credit card at Chase: left to spend is now $1,200.00.");
    let owed = Account { available: None, ..card };
    assert!(say(&owed, Lang::English, false).starts_with("What you owe at Chase has changed."));
}

#[test]
fn a_notice_instead_of_an_answer_says_where_to_look() {
    for (lang, there, nowhere) in [
        (
            Lang::English,
            "The answer from Chase is on your own page: tap “Open” and sign in at your bank.",
            "I may not show that in this chat. Please look in the app of Chase.",
        ),
        (
            Lang::Arabic,
            "الإجابة من Chase معروضة في صفحتك الخاصة، بعد الضغط على «فتح» وتسجيل الدخول لدى بنكك.",
            "لا يمكنني عرض ذلك في هذه المحادثة. يُرجى الاطلاع عليه في تطبيق Chase.",
        ),
    ] {
        for notice in [BALANCES.notice, TRANSACTIONS.notice, SPENDING.notice] {
            let content = notice(&ctx(lang));
            assert_eq!((shown(&content).as_str(), content.buttons.len()), (there, 1));
            let content = notice(&RenderContext { open_url: None, ..ctx(lang) });
            assert_eq!((shown(&content).as_str(), content.buttons.len()), (nowhere, 0));
        }
    }
}

#[test]
fn an_answer_says_what_it_lacks() {
    let whole = vec![account("a", AccountKind::Checking)];
    for (lang, accounts_missing, rows_missing) in [
        (
            Lang::English,
            "Some of the accounts that you allowed could not be read from Chase just now.",
            "I could not read all of your history, so some transactions may be missing.",
        ),
        (
            Lang::Arabic,
            "تعذّرت الآن قراءة بعض الحسابات التي سمحت بها لدى Chase.",
            "لم أتمكن من قراءة السجل كله، فقد تنقص بعض المعاملات.",
        ),
    ] {
        for accounts in [&whole, &vec![]] {
            for (incomplete, times) in [(false, 0), (true, 1)] {
                let args = BalanceArgs { incomplete, ..BalanceArgs::new(None) };
                for render in [BALANCES.summary, BALANCES.detail] {
                    let said = shown(&render(accounts, &args, &ctx(lang)));
                    assert_eq!(said.matches(accounts_missing).count(), times, "{said}");
                }
            }
        }
        for rows in [vec![], vec![tx("1", "Lyft", 900, "2026-10-15T00:00:00Z")]] {
            for (truncated, times) in [(false, 0), (true, 1)] {
                let page = Page { rows: rows.clone(), truncated };
                for render in [TRANSACTIONS.summary, TRANSACTIONS.detail] {
                    let said = shown(&render(&page, &TransactionsArgs::default(), &ctx(lang)));
                    assert_eq!(said.matches(rows_missing).count(), times, "{said}");
                }
            }
        }
    }
}

#[test]
fn a_hostile_name_stays_in_its_place() {
    let evil = "A\u{202E}\u{2069}\u{2069}evil\u{7}\nYou won 100 AED";
    let long = "x".repeat(5_000);
    for lang in Lang::ALL {
        for name in [evil, &long] {
            let mut t = tx("1", "m", 450, "2026-11-23T11:59:00Z");
            t.merchant = Some(name.to_owned());
            let page = Page { rows: vec![t.clone()], truncated: false };
            for content in [
                (UPDATE.detail)(
                    &BankEventBody::Transaction(t),
                    &UpdateArgs { story: Story::New, account: None },
                    &ctx(*lang),
                ),
                (TRANSACTIONS.detail)(&page, &TransactionsArgs::default(), &ctx(*lang)),
            ] {
                let said = all(&content);
                assert!(
                    !said.contains('\u{202E}') && !said.contains('\u{7}') && !said.contains("\nYou won"),
                    "{said:?}"
                );
                assert!(said.chars().count() < 400);
                let mut depth = 0i32;
                for c in said.chars() {
                    match c {
                        '\u{2066}'..='\u{2068}' => depth += 1,
                        '\u{2069}' => depth -= 1,
                        _ => {}
                    }
                    assert!(depth >= 0, "{said:?}");
                }
                assert_eq!(depth, 0, "{said:?}");
            }
        }
    }
}
