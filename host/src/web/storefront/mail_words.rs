//! What the pages behind the links in mails say, in each of the host's languages.

use crate::catalog::templates::Locale;

/// One language's words. `{}` is the shop's name, or a date where it says so.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct MailWords {
    /// IETF language tag.
    pub lang: &'static str,
    pub unsubscribe_title: &'static str,
    pub unsubscribe_text: &'static str,
    pub unsubscribe: &'static str,
    pub instead: &'static str,
    pub unsubscribed_title: &'static str,
    pub unsubscribed_text: &'static str,
    pub changed_mind: &'static str,
    pub preferences_title: &'static str,
    pub topics: &'static str,
    pub pause: &'static str,
    pub no_pause: &'static str,
    pub pause_30: &'static str,
    pub pause_90: &'static str,
    /// `{}` is a date.
    pub paused_until: &'static str,
    pub save: &'static str,
    pub saved: &'static str,
    pub is_unsubscribed: &'static str,
    pub service: &'static str,
    pub unsubscribe_all: &'static str,
}

/// The words of the first wanted language that there is; English where there is none.
pub fn of(wanted: &[Locale]) -> &'static MailWords {
    let known = wanted.iter().find_map(|locale| LANGUAGES.iter().find(|words| words.lang == locale.language()));
    known.unwrap_or(&LANGUAGES[0])
}

/// English first: it stands in for languages that are missing.
const LANGUAGES: &[MailWords] = &[
    MailWords {
        lang: "en",
        unsubscribe_title: "Unsubscribe from {}?",
        unsubscribe_text: "You will get no more news and offers by e-mail. Mails about your orders and your account \
            will still reach you.",
        unsubscribe: "Unsubscribe",
        instead: "Choose what you get instead",
        unsubscribed_title: "You are unsubscribed",
        unsubscribed_text: "{} will send you no more news and offers.",
        changed_mind: "Changed your mind? Choose what you get",
        preferences_title: "What you get from {}",
        topics: "Topics",
        pause: "Pause",
        no_pause: "No pause",
        pause_30: "Pause for 30 days",
        pause_90: "Pause for 90 days",
        paused_until: "Stay paused until {}",
        save: "Save",
        saved: "Your choice has been saved.",
        is_unsubscribed: "You are unsubscribed from all news and offers. To get them again, choose topics and save.",
        service: "Mails about your orders and your account will reach you whatever you choose.",
        unsubscribe_all: "Unsubscribe from all",
    },
    MailWords {
        lang: "de",
        unsubscribe_title: "Von {} abmelden?",
        unsubscribe_text: "Sie erhalten dann keine Neuigkeiten und Angebote mehr per E-Mail. E-Mails zu Ihren \
            Bestellungen und Ihrem Konto kommen weiterhin an.",
        unsubscribe: "Abmelden",
        instead: "Stattdessen auswählen, was Sie erhalten",
        unsubscribed_title: "Sie sind abgemeldet",
        unsubscribed_text: "{} schickt Ihnen keine Neuigkeiten und Angebote mehr.",
        changed_mind: "Doch anders entschieden? Auswählen, was Sie erhalten",
        preferences_title: "Was Sie von {} erhalten",
        topics: "Themen",
        pause: "Pause",
        no_pause: "Keine Pause",
        pause_30: "30 Tage Pause",
        pause_90: "90 Tage Pause",
        paused_until: "Pause bis {} beibehalten",
        save: "Speichern",
        saved: "Ihre Auswahl ist gespeichert.",
        is_unsubscribed: "Sie sind von allen Neuigkeiten und Angeboten abgemeldet. Um wieder welche zu erhalten, \
            wählen Sie Themen aus und speichern.",
        service: "E-Mails zu Ihren Bestellungen und Ihrem Konto erhalten Sie unabhängig von dieser Auswahl.",
        unsubscribe_all: "Von allem abmelden",
    },
    MailWords {
        lang: "fr",
        unsubscribe_title: "Se désabonner de {} ?",
        unsubscribe_text: "Vous ne recevrez plus de nouvelles ni d’offres par e-mail. Les e-mails concernant vos \
            commandes et votre compte vous parviendront toujours.",
        unsubscribe: "Se désabonner",
        instead: "Choisir plutôt ce que vous recevez",
        unsubscribed_title: "Vous êtes désabonné(e)",
        unsubscribed_text: "{} ne vous enverra plus de nouvelles ni d’offres.",
        changed_mind: "Vous avez changé d’avis ? Choisissez ce que vous recevez",
        preferences_title: "Ce que vous recevez de {}",
        topics: "Sujets",
        pause: "Pause",
        no_pause: "Pas de pause",
        pause_30: "Pause de 30 jours",
        pause_90: "Pause de 90 jours",
        paused_until: "Rester en pause jusqu’au {}",
        save: "Enregistrer",
        saved: "Votre choix a été enregistré.",
        is_unsubscribed: "Vous êtes désabonné(e) de toutes les nouvelles et offres. Pour en recevoir à nouveau, \
            choisissez des sujets et enregistrez.",
        service: "Les e-mails concernant vos commandes et votre compte vous parviendront quel que soit votre choix.",
        unsubscribe_all: "Se désabonner de tout",
    },
    MailWords {
        lang: "es",
        unsubscribe_title: "¿Darte de baja de {}?",
        unsubscribe_text: "No recibirás más novedades ni ofertas por correo. Los correos sobre tus pedidos y tu \
            cuenta te seguirán llegando.",
        unsubscribe: "Darme de baja",
        instead: "Elegir qué recibir",
        unsubscribed_title: "Te has dado de baja",
        unsubscribed_text: "{} no te enviará más novedades ni ofertas.",
        changed_mind: "¿Has cambiado de idea? Elige qué recibir",
        preferences_title: "Lo que recibes de {}",
        topics: "Temas",
        pause: "Pausa",
        no_pause: "Sin pausa",
        pause_30: "Pausa de 30 días",
        pause_90: "Pausa de 90 días",
        paused_until: "Seguir en pausa hasta el {}",
        save: "Guardar",
        saved: "Tu elección se ha guardado.",
        is_unsubscribed: "Te has dado de baja de todas las novedades y ofertas. Para volver a recibirlas, elige \
            temas y guarda.",
        service: "Los correos sobre tus pedidos y tu cuenta te llegarán elijas lo que elijas.",
        unsubscribe_all: "Darme de baja de todo",
    },
    MailWords {
        lang: "nl",
        unsubscribe_title: "Afmelden bij {}?",
        unsubscribe_text: "Je krijgt dan geen nieuws en aanbiedingen meer per e-mail. E-mails over je bestellingen \
            en je account blijven komen.",
        unsubscribe: "Afmelden",
        instead: "Liever kiezen wat je krijgt",
        unsubscribed_title: "Je bent afgemeld",
        unsubscribed_text: "{} stuurt je geen nieuws en aanbiedingen meer.",
        changed_mind: "Toch van gedachten veranderd? Kies wat je krijgt",
        preferences_title: "Wat je krijgt van {}",
        topics: "Onderwerpen",
        pause: "Pauze",
        no_pause: "Geen pauze",
        pause_30: "30 dagen pauze",
        pause_90: "90 dagen pauze",
        paused_until: "Pauze tot {} behouden",
        save: "Opslaan",
        saved: "Je keuze is opgeslagen.",
        is_unsubscribed: "Je bent afgemeld voor al het nieuws en alle aanbiedingen. Kies onderwerpen en sla op om ze \
            weer te krijgen.",
        service: "E-mails over je bestellingen en je account krijg je wat je ook kiest.",
        unsubscribe_all: "Overal voor afmelden",
    },
    MailWords {
        lang: "ja",
        unsubscribe_title: "{}からの配信を停止しますか？",
        unsubscribe_text: "お知らせや特典のメールは届かなくなります。ご注文やアカウントに関するメールは引き続きお届けします。",
        unsubscribe: "配信を停止する",
        instead: "代わりに受け取る内容を選ぶ",
        unsubscribed_title: "配信を停止しました",
        unsubscribed_text: "{}からお知らせや特典のメールが届くことはありません。",
        changed_mind: "受け取る内容を選び直す",
        preferences_title: "{}から受け取る内容",
        topics: "テーマ",
        pause: "一時停止",
        no_pause: "一時停止しない",
        pause_30: "30日間停止する",
        pause_90: "90日間停止する",
        paused_until: "{}まで停止したままにする",
        save: "保存する",
        saved: "設定を保存しました。",
        is_unsubscribed: "お知らせや特典のメールはすべて停止中です。再び受け取るには、テーマを選んで保存してください。",
        service: "ご注文やアカウントに関するメールは、設定にかかわらずお届けします。",
        unsubscribe_all: "すべて停止する",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wanted_language_that_is_known_is_spoken() {
        let spoken = |tags: &[&str]| of(&tags.iter().map(|tag| Locale::parse(tag).unwrap()).collect::<Vec<_>>()).lang;
        assert_eq!(spoken(&["pt-br", "pt", "nl-be", "en"]), "nl");
        assert_eq!(spoken(&["fi"]), "en");
        assert_eq!(spoken(&[]), "en");
    }

    #[test]
    fn every_language_has_a_place_for_what_it_tells() {
        for words in LANGUAGES {
            let with_place =
                [words.unsubscribe_title, words.unsubscribed_text, words.preferences_title, words.paused_until];
            assert!(with_place.iter().all(|text| text.matches("{}").count() == 1), "{}", words.lang);
        }
    }
}
