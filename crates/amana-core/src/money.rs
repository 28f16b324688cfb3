//! Money: integer minor units with their currency. Decimals exist only at the edges, floats nowhere.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// Why an amount or a currency could not be read. The amount itself is never in the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters of ISO 4217.
    #[error("`{0}` is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    /// More decimals than the currency has.
    #[error("an amount has more decimals than {0} has minor units")]
    TooManyDecimals(&'static str),
    /// Beyond what 64 bits of minor units hold.
    #[error("an amount is too large to be held in minor units")]
    TooLarge,
    /// Two amounts of different currencies met.
    #[error("amounts in {0} and {1} cannot be added")]
    MixedCurrencies(&'static str, &'static str),
}

impl Currency {
    /// The currency of a three-letter code, in any case.
    ///
    /// # Errors
    /// When ISO 4217 has no such code.
    pub fn from_code(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(8).collect()))
    }
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
    /// How many decimals an amount has: 2 for USD, 3 for KWD, 0 for JPY (and 0 where ISO says "not applicable").
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::from_code(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// An amount: minor units (cents, fils) of a currency. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// So many minor units.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// From a decimal such as `42.10`, exactly.
    ///
    /// # Errors
    /// When it has more decimals than the currency (trailing zeros do not count) or does not fit.
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let amount = amount.normalize();
        if amount.scale() > currency.decimals() {
            return Err(MoneyError::TooManyDecimals(currency.code()));
        }
        let factor = Decimal::from(10u64.pow(currency.decimals()));
        let minor = amount.checked_mul(factor).and_then(|m| m.to_i64()).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    /// The decimal, with as many decimals as the currency has.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency.code(), other.currency.code()));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// The amount without its sign (the most negative becomes the most positive).
    #[must_use]
    pub fn abs(self) -> Self {
        Self { minor: self.minor.saturating_abs(), currency: self.currency }
    }
}

/// `42.10 USD`: for receipts of transfers and machine output. What a person reads is rendered by `amana-chat`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect("a currency")
    }

    #[test]
    fn decimals_follow_the_currency() {
        let dec = |s: &str| s.parse::<Decimal>().expect("a decimal");
        assert_eq!(Money::from_decimal(dec("42.1"), currency("usd")).expect("fits").minor, 4210);
        assert_eq!(
            Money::from_decimal(dec("1.250"), currency("KWD")).expect("fits").to_string(),
            "1.250 KWD"
        );
        assert_eq!(Money::from_decimal(dec("42.1000"), currency("USD")).expect("zeros").minor, 4210);
        assert_eq!(
            Money::from_decimal(dec("0.001"), currency("USD")),
            Err(MoneyError::TooManyDecimals("USD"))
        );
        assert_eq!(Money::from_decimal(dec("1.5"), currency("JPY")), Err(MoneyError::TooManyDecimals("JPY")));
        assert_eq!(Money::from_decimal(Decimal::MAX, currency("USD")), Err(MoneyError::TooLarge));
        assert!(Currency::from_code("ZZZ").is_err());
        assert!(Money::new(1, currency("USD")).checked_add(Money::new(1, currency("EUR"))).is_err());
    }

    proptest! {
        #[test]
        fn every_amount_survives_the_decimal(minor in any::<i64>(), code in prop::sample::select(vec!["USD", "KWD", "JPY"])) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(Money::from_decimal(money.to_decimal(), money.currency), Ok(money));
        }
    }
}
