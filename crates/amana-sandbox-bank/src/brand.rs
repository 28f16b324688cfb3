//! The institutions: names, colours, logos. Adding one is adding an entry here.

/// An institution as its customers see it.
#[derive(Clone, Copy, Debug)]
pub struct Brand {
    /// Path prefix and identifier.
    pub id: &'static str,
    /// English name.
    pub name: &'static str,
    /// Arabic name.
    pub name_ar: &'static str,
    /// One line under the name, English.
    pub tagline: &'static str,
    /// One line under the name, Arabic.
    pub tagline_ar: &'static str,
    /// Main colour (CSS).
    pub colour: &'static str,
    /// Main colour, darker (CSS), for hovering and the header's edge.
    pub colour_dark: &'static str,
    /// Main colour, very light (CSS), for tints.
    pub colour_tint: &'static str,
    /// The logo: paths of an SVG with view box `0 0 48 48`, drawn in `currentColor`.
    pub logo: &'static str,
}

const BRANDS: [Brand; 3] = [
    Brand {
        id: "cedar-bank",
        name: "Cedar Bank",
        name_ar: "بنك الأرز",
        tagline: "Rooted with you since 1921",
        tagline_ar: "جذورنا معك منذ 1921",
        colour: "#14603f",
        colour_dark: "#0c4029",
        colour_tint: "#e9f3ee",
        logo: r#"<path d="M24 4 13 18h6L9 29h9L6 41h15v5h6v-5h15L30 29h9L29 18h6z"/>"#,
    },
    Brand {
        id: "harbor-bank",
        name: "Harbor Bank",
        name_ar: "بنك المرفأ",
        tagline: "A safe place to land",
        tagline_ar: "مرساك الآمن",
        colour: "#1c3a6e",
        colour_dark: "#11264b",
        colour_tint: "#e9eef7",
        logo: r#"<path d="M24 3a6 6 0 0 0-3 11.2V18h-6v5h6v17.6C14.6 39.4 9.7 34.6 9 28l-6 1c1.1 9.6 10 16.5 21 16.5S43.9 38.6 45 29l-6-1c-.7 6.6-5.6 11.4-12 12.6V23h6v-5h-6v-3.8A6 6 0 0 0 24 3m0 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4"/>"#,
    },
    Brand {
        id: "palm-credit",
        name: "Palm Credit Union",
        name_ar: "اتحاد النخيل الائتماني",
        tagline: "Owned by the people it serves",
        tagline_ar: "ملكٌ لمن نخدمهم",
        colour: "#a8452c",
        colour_dark: "#7c2f1c",
        colour_tint: "#faeeea",
        logo: r#"<path d="M25 17c3-8 11-11 18-8-6 0-10 3-12 7 6-2 12 1 14 8-5-5-10-5-15-3 4 2 7 6 6 13-3-7-7-10-12-10 1 8 1 14 5 21H18c3-7 4-13 4-21-4 1-7 4-9 9-2-6 0-10 4-12C12 19 7 20 3 25c1-7 6-11 13-9-3-4-6-6-12-6 7-4 17-1 21 7"/>"#,
    },
];

impl Brand {
    /// The name in a language.
    #[must_use]
    pub fn name_in(&self, arabic: bool) -> &'static str {
        if arabic { self.name_ar } else { self.name }
    }

    /// The line under the name in a language.
    #[must_use]
    pub fn tagline_in(&self, arabic: bool) -> &'static str {
        if arabic { self.tagline_ar } else { self.tagline }
    }
}

/// All institutions that this crate knows.
#[must_use]
pub fn all() -> &'static [Brand] {
    &BRANDS
}

/// The institution with this identifier.
#[must_use]
pub fn find(id: &str) -> Option<&'static Brand> {
    BRANDS.iter().find(|brand| brand.id == id)
}
