//! The words.

use regulars_sdk::language::Language;

use super::Texts;

pub const ENGLISH: Texts = Texts {
    language: Language::English,
    order: ["{0} order", "{0} orders"],
    tier: "Your tier",
    until: "Yours until {0}",
    safe: "and you have earned the next term already",
    to_stay: "{0} more to keep it",
    next: "{0} more to {1}",
    and: " and ",
    or: " or ",
    benefits: "What it brings you",
    free_shipping: "Free shipping",
    reward: "A gift for you",
    code_until: "Good until {0}",
};

pub const GERMAN: Texts = Texts {
    language: Language::German,
    order: ["{0} Bestellung", "{0} Bestellungen"],
    tier: "Ihre Stufe",
    until: "Gilt bis zum {0}",
    safe: "und die nächste Laufzeit haben Sie schon erreicht",
    to_stay: "noch {0}, um sie zu behalten",
    next: "Noch {0} bis {1}",
    and: " und ",
    or: " oder ",
    benefits: "Das haben Sie davon",
    free_shipping: "Kostenloser Versand",
    reward: "Ein Geschenk für Sie",
    code_until: "Gültig bis zum {0}",
};

pub const FRENCH: Texts = Texts {
    language: Language::French,
    order: ["{0} commande", "{0} commandes"],
    tier: "Votre niveau",
    until: "À vous jusqu’au {0}",
    safe: "et la période suivante est déjà acquise",
    to_stay: "encore {0} pour le garder",
    next: "Encore {0} pour {1}",
    and: " et ",
    or: " ou ",
    benefits: "Vos avantages",
    free_shipping: "Livraison offerte",
    reward: "Un cadeau pour vous",
    code_until: "Valable jusqu’au {0}",
};

pub const SPANISH: Texts = Texts {
    language: Language::Spanish,
    order: ["{0} pedido", "{0} pedidos"],
    tier: "Tu nivel",
    until: "Tuyo hasta el {0}",
    safe: "y ya has conseguido el próximo periodo",
    to_stay: "faltan {0} para conservarlo",
    next: "Faltan {0} para {1}",
    and: " y ",
    or: " o ",
    benefits: "Tus ventajas",
    free_shipping: "Envío gratuito",
    reward: "Un regalo para ti",
    code_until: "Válido hasta el {0}",
};

pub const DUTCH: Texts = Texts {
    language: Language::Dutch,
    order: ["{0} bestelling", "{0} bestellingen"],
    tier: "Je niveau",
    until: "Van jou tot en met {0}",
    safe: "en de volgende periode heb je al verdiend",
    to_stay: "nog {0} om het te houden",
    next: "Nog {0} tot {1}",
    and: " en ",
    or: " of ",
    benefits: "Je voordelen",
    free_shipping: "Gratis verzending",
    reward: "Een cadeau voor jou",
    code_until: "Geldig tot en met {0}",
};

pub const JAPANESE: Texts = Texts {
    language: Language::Japanese,
    order: ["ご注文{0}回", "ご注文{0}回"],
    tier: "会員ランク",
    until: "{0}まで有効",
    safe: "次の期間の条件も満たしています",
    to_stay: "維持まであと{0}",
    next: "{1}まであと{0}",
    and: "と",
    or: "または",
    benefits: "特典",
    free_shipping: "送料無料",
    reward: "プレゼント",
    code_until: "{0}まで有効",
};
