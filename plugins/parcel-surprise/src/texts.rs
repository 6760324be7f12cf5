//! The panel's words in the languages that it speaks.

use regulars_sdk::language::Language;

pub struct Texts {
    pub heading: &'static str,
    /// With `{gift}` and `{order}`.
    pub text: &'static str,
}

/// By the language of an IETF tag, whatever its region; English where it is none of ours.
pub fn of(locale: &str) -> Texts {
    match Language::of(locale) {
        Language::German => Texts {
            heading: "Eine kleine Überraschung",
            text: "In Ihrem Paket {order} lag etwas extra: {gift}. Einfach so, als Dankeschön.",
        },
        Language::French => Texts {
            heading: "Une petite surprise",
            text: "Nous avons glissé quelque chose dans votre colis {order} : {gift}. Juste pour vous dire merci.",
        },
        Language::Spanish => Texts {
            heading: "Una pequeña sorpresa",
            text: "Pusimos algo más en tu paquete {order}: {gift}. Solo para darte las gracias.",
        },
        Language::Dutch => Texts {
            heading: "Een kleine verrassing",
            text: "We hebben iets extra's in je pakket {order} gestopt: {gift}. Gewoon om je te bedanken.",
        },
        Language::Japanese => Texts {
            heading: "ささやかな贈り物",
            text: "ご注文 {order} のお荷物に「{gift}」を添えました。日頃の感謝の気持ちです。",
        },
        Language::English => Texts {
            heading: "A little surprise",
            text: "We put something extra in your parcel {order}: {gift}. Just to say thank you.",
        },
    }
}
