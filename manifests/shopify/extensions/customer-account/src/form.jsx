// A form of a panel: a button with what goes with it, and the fields that somebody fills in.
import { useState } from 'preact/hooks';

import { dayMonth, partsOf } from './dayMonth.js';

/**
 * @typedef {import('./types').Button} Button
 * @typedef {import('./types').Field} Field
 * @typedef {import('./types').OnAction} OnAction
 * @typedef {import('./types').Words} Words
 * @typedef {(value: string) => void} OnValue
 */

/**
 * @param {object} props
 * @param {Button} props.button
 * @param {Field[]} props.fields
 * @param {string} [props.about] what the button is for, where several have one label
 * @param {string} props.formKey
 * @param {Words} props.words
 * @param {OnAction} props.onAction
 */
export function Form({ button, fields, about, formKey, words, onAction }) {
  const first = Object.fromEntries(fields.map((field) => [field.name, field.value ?? '']));
  const [values, setValues] = useState(first);
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);

  async function submit() {
    setChecked(true);
    if (busy || fields.some((field) => errorOf(field, values[field.name], words))) return;
    setBusy(true);
    const filled = fields.map((field) => [field.name, sent(field, values[field.name])]).filter(([, value]) => value);
    const input = { ...Object.fromEntries(button.input), ...Object.fromEntries(filled) };
    await onAction({ action: button.action, input, idempotency_key: formKey });
    setBusy(false);
  }

  return (
    <s-form onSubmit={() => void submit()}>
      <s-stack gap="base">
        {fields.map((field) => (
          <Input
            key={field.name}
            field={field}
            value={values[field.name]}
            error={checked ? errorOf(field, values[field.name], words) : undefined}
            words={words}
            onValue={(value) => setValues((known) => ({ ...known, [field.name]: value }))}
          />
        ))}
        <s-button
          type="submit"
          variant={fields.length > 0 ? 'primary' : 'secondary'}
          loading={busy}
          accessibilityLabel={about && `${button.label}: ${about}`}
        >
          {button.label}
        </s-button>
      </s-stack>
    </s-form>
  );
}

/**
 * What goes with the action of what stands in a field; nothing of one that was left empty.
 *
 * @param {Field} field
 * @param {string} value
 */
function sent(field, value) {
  return field.kind === 'day-month' ? dayMonth(value) : value.trim();
}

/** @param {Event} event */
function valueOf(event) {
  return /** @type {{ value: string }} */ (/** @type {unknown} */ (event.currentTarget)).value;
}

/**
 * What is wrong with a field, as far as that can be told here; the plugin says the rest.
 *
 * @param {Field} field
 * @param {string} value
 * @param {Words} words
 */
function errorOf(field, value, words) {
  if (field.kind === 'day-month' && partsOf(value).some(Boolean)) {
    return dayMonth(value) ? undefined : words('noDay');
  }
  const isEmpty = field.kind === 'day-month' || !value.trim();
  return field.required && isEmpty ? words('required') : undefined;
}

/** @param {{ field: Field, value: string, error?: string, words: Words, onValue: OnValue }} props */
function Input({ field, value, error, words, onValue }) {
  const common = {
    name: field.name,
    label: field.required ? field.label : words('optional', { label: field.label }),
    value,
    error,
    required: field.required,
    onChange: (/** @type {Event} */ event) => onValue(valueOf(event)),
  };
  switch (field.kind) {
    case 'choice':
      return (
        <s-select {...common} placeholder={words('pleaseChoose')}>
          {field.choices?.map(([choice, label]) => (
            <s-option key={choice} value={choice}>
              {label}
            </s-option>
          ))}
        </s-select>
      );
    case 'day-month':
      return <DayMonth field={field} value={value} error={error} words={words} onValue={onValue} />;
    case 'date':
      return <s-date-field {...common} />;
    case 'number':
      return <s-number-field {...common} />;
    case 'email':
      return <s-email-field {...common} autocomplete="email" />;
    default:
      return <s-text-field {...common} />;
  }
}

/**
 * A day without a year, as `MM-DD`; what is half filled in is kept as it is.
 *
 * @param {{ field: Field, value: string, error?: string, words: Words, onValue: OnValue }} props
 */
function DayMonth({ field, value, error, words, onValue }) {
  const [month, day] = partsOf(value);
  const number = { required: field.required, min: 1, step: 1, controls: /** @type {const} */ ('none') };
  return (
    <s-stack gap="small-200" accessibilityRole="section" accessibilityLabel={field.label}>
      <s-text>{field.required ? field.label : words('optional', { label: field.label })}</s-text>
      <s-stack direction="inline" gap="base">
        <s-number-field
          {...number}
          label={words('day')}
          max={31}
          value={day}
          error={error}
          onChange={(event) => onValue(`${month}-${valueOf(event)}`)}
        />
        <s-number-field
          {...number}
          label={words('month')}
          max={12}
          value={month}
          onChange={(event) => onValue(`${valueOf(event)}-${day}`)}
        />
      </s-stack>
    </s-stack>
  );
}
