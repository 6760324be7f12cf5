//! What the host itself says on shoppers' pages, in each of its languages. What plugins say is theirs.

/// One language's words.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Words {
    /// IETF language tag.
    pub lang: &'static str,
    /// `{}` is the shop's name.
    pub to_shop: &'static str,
    pub taken_in: &'static str,
    pub day: &'static str,
    pub month: &'static str,
    pub optional: &'static str,
    pub please_choose: &'static str,
    /// A plugin's part of a page that cannot be drawn.
    pub part_missing: &'static str,
    /// Whoever looks at a panel is not signed in.
    pub sign_in: Notice,
    /// Nothing is known of whoever looks at a panel.
    pub no_panel: Notice,
    pub gone: Notice,
    pub busy: Notice,
    pub unreadable: Notice,
    pub failed: Notice,
}

/// A page that says one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Notice {
    pub title: &'static str,
    pub text: &'static str,
}

/// The words of a language tag; English where there are none.
pub fn of(locale: &str) -> &'static Words {
    let language = locale.split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.iter().find(|words| words.lang.eq_ignore_ascii_case(language)).unwrap_or(&LANGUAGES[0])
}

const fn notice(title: &'static str, text: &'static str) -> Notice {
    Notice { title, text }
}

/// English first: it stands in for languages that are missing.
const LANGUAGES: &[Words] = &[
    Words {
        lang: "en",
        to_shop: "Go to {}",
        taken_in: "Thank you. Your request has been received.",
        day: "Day",
        month: "Month",
        optional: "optional",
        please_choose: "Please choose",
        part_missing: "This part cannot be shown at the moment.",
        sign_in: notice("Please sign in", "Sign in to your account in the shop to see this page."),
        no_panel: notice(
            "Nothing here yet",
            "There is nothing to show for your account yet. Please come back after your next order.",
        ),
        gone: notice("This link no longer works", "It may have been mistyped, or the offer behind it has ended."),
        busy: notice(
            "One moment, please",
            "There were too many requests from your network. Please try again in a while.",
        ),
        unreadable: notice("That did not work", "The form could not be read. Please go back and send it again."),
        failed: notice("That did not work", "Something went wrong on our side. Please try again in a while."),
    },
    Words {
        lang: "de",
        to_shop: "Zu {}",
        taken_in: "Vielen Dank. Ihre Anfrage ist eingegangen.",
        day: "Tag",
        month: "Monat",
        optional: "freiwillig",
        please_choose: "Bitte wählen",
        part_missing: "Dieser Teil kann gerade nicht angezeigt werden.",
        sign_in: notice(
            "Bitte melden Sie sich an",
            "Melden Sie sich in Ihrem Kundenkonto an, um diese Seite zu sehen.",
        ),
        no_panel: notice(
            "Hier ist noch nichts",
            "Zu Ihrem Konto gibt es noch nichts zu zeigen. Bitte kommen Sie nach Ihrer nächsten Bestellung wieder.",
        ),
        gone: notice(
            "Dieser Link funktioniert nicht mehr",
            "Vielleicht enthält er einen Tippfehler, oder das Angebot dahinter ist beendet.",
        ),
        busy: notice(
            "Einen Moment bitte",
            "Aus Ihrem Netz kamen zu viele Anfragen. Bitte versuchen Sie es später noch einmal.",
        ),
        unreadable: notice(
            "Das hat nicht geklappt",
            "Das Formular konnte nicht gelesen werden. Bitte gehen Sie zurück und senden Sie es noch einmal.",
        ),
        failed: notice(
            "Das hat nicht geklappt",
            "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es später noch einmal.",
        ),
    },
    Words {
        lang: "fr",
        to_shop: "Aller sur {}",
        taken_in: "Merci. Votre demande a bien été reçue.",
        day: "Jour",
        month: "Mois",
        optional: "facultatif",
        please_choose: "Veuillez choisir",
        part_missing: "Cette partie ne peut pas être affichée pour le moment.",
        sign_in: notice(
            "Veuillez vous connecter",
            "Connectez-vous à votre compte dans la boutique pour voir cette page.",
        ),
        no_panel: notice(
            "Rien à afficher pour l’instant",
            "Il n’y a encore rien à afficher pour votre compte. Revenez après votre prochaine commande.",
        ),
        gone: notice(
            "Ce lien ne fonctionne plus",
            "Il contient peut-être une faute de frappe, ou l’offre correspondante est terminée.",
        ),
        busy: notice(
            "Un instant, s’il vous plaît",
            "Votre réseau a envoyé trop de demandes. Veuillez réessayer un peu plus tard.",
        ),
        unreadable: notice(
            "Cela n’a pas fonctionné",
            "Le formulaire n’a pas pu être lu. Veuillez revenir en arrière et l’envoyer à nouveau.",
        ),
        failed: notice(
            "Cela n’a pas fonctionné",
            "Une erreur s’est produite de notre côté. Veuillez réessayer un peu plus tard.",
        ),
    },
    Words {
        lang: "es",
        to_shop: "Ir a {}",
        taken_in: "Gracias. Hemos recibido tu solicitud.",
        day: "Día",
        month: "Mes",
        optional: "opcional",
        please_choose: "Elige una opción",
        part_missing: "Esta parte no se puede mostrar en este momento.",
        sign_in: notice("Inicia sesión", "Inicia sesión en tu cuenta de la tienda para ver esta página."),
        no_panel: notice(
            "Todavía no hay nada",
            "Aún no hay nada que mostrar en tu cuenta. Vuelve después de tu próximo pedido.",
        ),
        gone: notice("Este enlace ya no funciona", "Puede que tenga una errata o que la oferta haya terminado."),
        busy: notice(
            "Un momento, por favor",
            "Han llegado demasiadas solicitudes desde tu red. Inténtalo de nuevo más tarde.",
        ),
        unreadable: notice("No ha funcionado", "No se ha podido leer el formulario. Vuelve atrás y envíalo de nuevo."),
        failed: notice("No ha funcionado", "Algo ha fallado por nuestra parte. Inténtalo de nuevo más tarde."),
    },
    Words {
        lang: "nl",
        to_shop: "Naar {}",
        taken_in: "Bedankt. Je verzoek is ontvangen.",
        day: "Dag",
        month: "Maand",
        optional: "niet verplicht",
        please_choose: "Maak een keuze",
        part_missing: "Dit onderdeel kan op dit moment niet worden getoond.",
        sign_in: notice("Log in", "Log in op je account in de winkel om deze pagina te zien."),
        no_panel: notice(
            "Hier is nog niets",
            "Er is nog niets te zien voor je account. Kom terug na je volgende bestelling.",
        ),
        gone: notice("Deze link werkt niet meer", "Misschien zit er een typefout in, of de aanbieding is afgelopen."),
        busy: notice(
            "Een ogenblik geduld",
            "Er kwamen te veel verzoeken vanuit je netwerk. Probeer het later opnieuw.",
        ),
        unreadable: notice(
            "Dat is niet gelukt",
            "Het formulier kon niet worden gelezen. Ga terug en verstuur het opnieuw.",
        ),
        failed: notice("Dat is niet gelukt", "Er ging bij ons iets mis. Probeer het later opnieuw."),
    },
    Words {
        lang: "ja",
        to_shop: "{} へ",
        taken_in: "ありがとうございます。リクエストを受け付けました。",
        day: "日",
        month: "月",
        optional: "任意",
        please_choose: "選択してください",
        part_missing: "この部分は現在表示できません。",
        sign_in: notice("ログインしてください", "このページを見るには、ショップのアカウントにログインしてください。"),
        no_panel: notice(
            "まだ何もありません",
            "お客様のアカウントに表示できるものはまだありません。次のご注文のあとにもう一度ご覧ください。",
        ),
        gone: notice("このリンクは無効です", "入力に誤りがあるか、特典が終了した可能性があります。"),
        busy: notice(
            "しばらくお待ちください",
            "お使いのネットワークからのリクエストが多すぎます。しばらくしてからもう一度お試しください。",
        ),
        unreadable: notice(
            "送信できませんでした",
            "フォームを読み取れませんでした。前のページに戻って、もう一度送信してください。",
        ),
        failed: notice(
            "エラーが発生しました",
            "サーバー側で問題が発生しました。しばらくしてからもう一度お試しください。",
        ),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_tag_finds_its_language_and_an_unknown_one_finds_english() {
        let found = |tag: &str| of(tag).lang;
        assert_eq!(["de", "de-AT", "DE", "pt_BR", "", "ja-JP"].map(found), ["de", "de", "de", "en", "en", "ja"]);
    }

    #[test]
    fn every_language_names_the_shop_and_says_everything_in_its_own_words() {
        let mut seen = BTreeSet::new();
        for words in LANGUAGES {
            assert_eq!(words.to_shop.matches("{}").count(), 1, "{}", words.lang);
            for text in [words.taken_in, words.part_missing, words.gone.text, words.busy.text, words.failed.text] {
                assert!(seen.insert(text), "{}: {text}", words.lang);
            }
        }
    }
}
