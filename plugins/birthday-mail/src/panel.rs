//! What a customer sees: the last code while it is good, and the form for the birthday.

use regulars_sdk::{
    Context, Result,
    panel::{Block, Button, Field, View},
};

use crate::{
    people::{self, Person},
    settings::Settings,
    texts::{self, Texts},
};

pub fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>> {
    let Some(customer) = view.customer_id.as_deref().filter(|_| view.kind == "panel") else { return Ok(Vec::new()) };
    let settings: Settings = cx.settings()?;
    let person = people::get(cx, customer)?.unwrap_or_default();
    let texts = texts::of(&view.locale);
    let mut blocks = Vec::new();
    blocks.extend(code(cx, &person, texts));
    if settings.birthdays && settings.ask_in_panel {
        blocks.push(form(cx, &settings, &person, texts));
    }
    Ok(blocks)
}

fn code(cx: &Context, person: &Person, texts: &Texts) -> Option<Block> {
    let code = person.code.as_ref().filter(|it| it.ends_at > cx.now())?;
    let standing = cx.code_standing(&code.effect)?;
    (standing.status == "live" && standing.used == 0).then(|| {
        let last = cx.date_of(regulars_sdk::Timestamp(code.ends_at.0 - 1));
        Block::code(texts.gift, &code.code).explained(texts.until(last))
    })
}

/// The form; while a change stands in the way of another, what is known and until when.
fn form(cx: &Context, settings: &Settings, person: &Person, texts: &Texts) -> Block {
    let known = person.day.map(|day| texts.known(day));
    let open = person.changed_at.map(|it| it.plus_days(settings.change_lock_days)).filter(|until| cx.now() < *until);
    if let Some(until) = open {
        let known = known.unwrap_or_default();
        let text = [known, texts.locked(cx.date_of(until))].join(" ");
        return Block { title: texts.birthday.into(), ..Block::text(text.trim()) };
    }
    let field = Field::new("birthday", texts.day_and_month, "day-month");
    let two = |number: u8| if number < 10 { format!("0{number}") } else { number.to_string() };
    let field = match person.day {
        Some(day) => field.value([two(day.month()), two(day.day())].join("-")),
        None => field,
    };
    let year = settings.ask_year.then(|| Field::new("year", texts.year, "number").optional());
    let fields = [field].into_iter().chain(year).collect();
    Block::form(texts.birthday, fields, Button::new("birthday", texts.save))
        .explained(known.unwrap_or_else(|| texts.why.to_owned()))
}
