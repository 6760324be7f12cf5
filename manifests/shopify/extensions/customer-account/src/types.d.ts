// The panel as the host gives it, what is asked of the host, and what the panel's parts hand each other.
import type { Api as Target } from '@shopify/ui-extensions/customer-account.profile.block.render';

/** What the panel needs of the `shopify` that a target is given. */
export type Api = Pick<Target, 'i18n' | 'localization' | 'sessionToken'> & { extension: { editor?: unknown } };

export type Words = Api['i18n']['translate'];

/** One plugin's part; without blocks where it cannot be shown. */
export interface Section {
  plugin: string;
  title: string;
  blocks?: Block[];
}

/** Which of the parts count, its kind decides. */
export interface Block {
  kind: string;
  title?: string;
  text?: string;
  value?: string;
  progress?: { done: number; of: number };
  rows?: Row[];
  fields?: Field[];
  button?: Button;
}

export interface Row {
  title: string;
  value: string;
  detail?: string;
  button?: Button;
}

export interface Button {
  action: string;
  label: string;
  input: [string, string][];
}

export interface Field {
  name: string;
  label: string;
  kind: string;
  value?: string;
  choices?: [string, string][];
  required: boolean;
}

/** What somebody asks of a plugin. The same key counts once, however often it is sent. */
export interface Action {
  plugin: string;
  action: string;
  input: Record<string, string>;
  idempotency_key: string;
}

/** Asks for something of the plugin whose part it is called in. */
export type OnAction = (action: Omit<Action, 'plugin'>) => Promise<void>;

export interface BlockProps {
  block: Block;
  formKey: string;
  words: Words;
  onAction: OnAction;
}

export type State =
  { status: 'loading' } | { status: 'failed'; reason: string } | { status: 'shown'; sections: Section[]; key: string };

export interface Notice {
  tone: 'success' | 'critical';
  text: string;
}
