//! The words, language by language.

use regulars_sdk::language::Language;

use super::Texts;

pub(super) static ENGLISH: Texts = Texts {
    language: Language::English,
    birthday: "Your birthday",
    why: "Tell us the day, and we will think of you. We do not ask how old you are.",
    known: "We will think of you on {date}.",
    locked: "You can change it again from {date} on.",
    day_and_month: "Day and month",
    year: "Year",
    save: "Save",
    gift: "A gift for you",
    until: "Good until {date}.",
};

pub(super) static GERMAN: Texts = Texts {
    language: Language::German,
    birthday: "Ihr Geburtstag",
    why: "Sagen Sie uns den Tag, und wir denken an Sie. Nach Ihrem Alter fragen wir nicht.",
    known: "Am {date} denken wir an Sie.",
    locked: "Ab dem {date} können Sie ihn wieder ändern.",
    day_and_month: "Tag und Monat",
    year: "Jahr",
    save: "Speichern",
    gift: "Ein Geschenk für Sie",
    until: "Gültig bis zum {date}.",
};

pub(super) static FRENCH: Texts = Texts {
    language: Language::French,
    birthday: "Votre anniversaire",
    why: "Indiquez-nous le jour, et nous penserons à vous. Nous ne demandons pas votre âge.",
    known: "Nous penserons à vous le {date}.",
    locked: "Vous pourrez le modifier à partir du {date}.",
    day_and_month: "Jour et mois",
    year: "Année",
    save: "Enregistrer",
    gift: "Un cadeau pour vous",
    until: "Valable jusqu’au {date}.",
};

pub(super) static SPANISH: Texts = Texts {
    language: Language::Spanish,
    birthday: "Tu cumpleaños",
    why: "Dinos el día y nos acordaremos de ti. No preguntamos la edad.",
    known: "Nos acordaremos de ti el {date}.",
    locked: "Podrás cambiarlo a partir del {date}.",
    day_and_month: "Día y mes",
    year: "Año",
    save: "Guardar",
    gift: "Un regalo para ti",
    until: "Válido hasta el {date}.",
};

pub(super) static DUTCH: Texts = Texts {
    language: Language::Dutch,
    birthday: "Je verjaardag",
    why: "Vertel ons de dag, dan denken we aan je. We vragen niet naar je leeftijd.",
    known: "Op {date} denken we aan je.",
    locked: "Je kunt de dag vanaf {date} weer wijzigen.",
    day_and_month: "Dag en maand",
    year: "Jaar",
    save: "Opslaan",
    gift: "Een cadeau voor jou",
    until: "Geldig tot en met {date}.",
};

pub(super) static JAPANESE: Texts = Texts {
    language: Language::Japanese,
    birthday: "お誕生日",
    why: "お誕生日をお知らせいただければ、お祝いをお届けします。ご年齢はお尋ねしません。",
    known: "{date}にお祝いをお届けします。",
    locked: "{date}から変更できます。",
    day_and_month: "月日",
    year: "年",
    save: "保存",
    gift: "お客様への贈り物",
    until: "{date}まで有効です。",
};
