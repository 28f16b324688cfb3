//! Shops of the made-up world, by region.

/// A shop: name, merchant category code (ISO 18245), lowest and highest price in US cents.
pub(crate) struct Shop {
    pub(crate) name: &'static str,
    pub(crate) mcc: &'static str,
    pub(crate) low: i64,
    pub(crate) high: i64,
}

const fn shop(name: &'static str, mcc: &'static str, low: i64, high: i64) -> Shop {
    Shop { name, mcc, low, high }
}

/// Shops a customer of one region goes to.
pub(crate) struct Region {
    pub(crate) coffee: &'static [Shop],
    pub(crate) grocery: &'static [Shop],
    pub(crate) transport: &'static [Shop],
    pub(crate) restaurant: &'static [Shop],
    pub(crate) shopping: &'static [Shop],
    pub(crate) employer: &'static str,
    pub(crate) landlord: &'static str,
    pub(crate) utility: &'static str,
    pub(crate) phone: &'static str,
}

/// The United States.
pub(crate) static UNITED_STATES: Region = Region {
    coffee: &[
        shop("Blue Bottle Coffee", "5814", 450, 950),
        shop("Blue Bottle Coffee", "5814", 450, 725),
        shop("Qahwah House", "5814", 475, 1_150),
        shop("Corner Bakery", "5462", 325, 890),
    ],
    grocery: &[
        shop("Trader Joe's", "5411", 1_850, 9_400),
        shop("Whole Foods Market", "5411", 2_400, 12_800),
        shop("Sahadi's Fine Foods", "5411", 1_400, 6_200),
    ],
    transport: &[
        shop("MTA New York City Transit", "4111", 290, 290),
        shop("Lyft", "4121", 980, 3_450),
        shop("Shell Oil", "5541", 2_800, 5_900),
    ],
    restaurant: &[
        shop("Tanoreen", "5812", 3_200, 9_800),
        shop("Joe's Pizza", "5812", 850, 2_600),
        shop("Sweetgreen", "5812", 1_395, 2_190),
        shop("Yemen Café", "5812", 1_800, 5_400),
    ],
    shopping: &[
        shop("Amazon.com", "5942", 899, 14_900),
        shop("Uniqlo", "5651", 1_990, 9_980),
        shop("Target", "5311", 1_200, 11_500),
        shop("The Strand Book Store", "5942", 1_100, 4_800),
    ],
    employer: "NORTHWIND LABS PAYROLL",
    landlord: "Parkside Apartments",
    utility: "Con Edison",
    phone: "T-Mobile",
};

/// The Gulf.
pub(crate) static GULF: Region = Region {
    coffee: &[
        shop("Blue Bottle Coffee", "5814", 550, 1_150),
        shop("مقهى الصباح", "5814", 350, 900),
        shop("% Arabica", "5814", 600, 1_200),
    ],
    grocery: &[
        shop("Lulu Hypermarket", "5411", 1_800, 11_000),
        shop("جمعية الروضة التعاونية", "5411", 1_200, 8_800),
        shop("The Sultan Center", "5411", 2_100, 12_000),
    ],
    transport: &[shop("Careem", "4121", 550, 2_300), shop("محطة الفا للوقود", "5541", 900, 2_400)],
    restaurant: &[
        shop("مطعم بيت الشامي", "5812", 1_800, 7_500),
        shop("Shake Shack", "5812", 1_100, 2_900),
        shop("Mais Alghanim", "5812", 2_200, 8_400),
    ],
    shopping: &[
        shop("Noon.com", "5942", 1_200, 15_000),
        shop("Jarir Bookstore", "5942", 900, 18_000),
        shop("Max Fashion", "5651", 1_500, 9_500),
    ],
    employer: "GULF HORIZON CO SALARY",
    landlord: "شركة الديار العقارية",
    utility: "Ministry of Electricity",
    phone: "Zain",
};

/// Shops met on a journey; prices in cents of the euro.
pub(crate) static ABROAD: &[Shop] = &[
    shop("Café de Flore Paris", "5814", 620, 2_400),
    shop("RATP Paris", "4111", 215, 1_930),
    shop("Monoprix Paris", "5411", 900, 5_200),
    shop("Musée d'Orsay", "7991", 1_600, 1_600),
    shop("Hôtel du Petit Moulin", "7011", 14_500, 21_000),
    shop("Le Comptoir du Relais", "5812", 2_800, 8_900),
];

/// Merchant category code of a shop known by this name.
pub(crate) fn code_of(name: &str) -> Option<&'static str> {
    [&UNITED_STATES, &GULF]
        .into_iter()
        .flat_map(|region| {
            [region.coffee, region.grocery, region.transport, region.restaurant, region.shopping]
        })
        .flatten()
        .chain(ABROAD)
        .find(|shop| shop.name == name)
        .map(|shop| shop.mcc)
}
