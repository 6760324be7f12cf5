//! The panel's words in the languages that it speaks.

pub struct Texts {
    pub heading: &'static str,
    /// With `{gift}` and `{order}`.
    pub text: &'static str,
}

/// By the language of an IETF tag, whatever its region; English where it is none of ours.
pub fn of(locale: &str) -> Texts {
    match locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "de" => Texts {
            heading: "Eine kleine Überraschung",
            text: "In Ihrem Paket {order} lag etwas extra: {gift}. Einfach so, als Dankeschön.",
        },
        "fr" => Texts {
            heading: "Une petite surprise",
            text: "Nous avons glissé quelque chose dans votre colis {order} : {gift}. Juste pour vous dire merci.",
        },
        "es" => Texts {
            heading: "Una pequeña sorpresa",
            text: "Pusimos algo más en su paquete {order}: {gift}. Solo para darle las gracias.",
        },
        "nl" => Texts {
            heading: "Een kleine verrassing",
            text: "We hebben iets extra's in uw pakket {order} gestopt: {gift}. Gewoon om u te bedanken.",
        },
        "ja" => Texts {
            heading: "ささやかな贈り物",
            text: "ご注文 {order} のお荷物に「{gift}」を添えました。日頃の感謝の気持ちです。",
        },
        _ => Texts {
            heading: "A little surprise",
            text: "We put something extra in your parcel {order}: {gift}. Just to say thank you.",
        },
    }
}
