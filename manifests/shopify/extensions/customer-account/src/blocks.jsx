// One component for each kind of block. A kind that is not known shows its title and its text.
import { Form } from './form.jsx';

/**
 * @typedef {import('./types').BlockProps} Props
 * @typedef {import('./types').Words} Words
 * @typedef {import('preact').ComponentChildren} Children
 */

/** @type {Record<string, (props: Props) => import('preact').ComponentChild>} */
const KINDS = {
  heading: Heading,
  figure: Figure,
  progress: Progress,
  list: List,
  code: Code,
  link: Link,
  form: FormBlock,
};

/** @param {Props} props */
export function Block(props) {
  const Kind = KINDS[props.block.kind] ?? Titled;
  return <Kind {...props} />;
}

/** @param {Props} props */
function Titled({ block }) {
  return (
    <s-stack gap="small-200">
      {block.title && <s-text type="strong">{block.title}</s-text>}
      {block.text && <s-paragraph>{block.text}</s-paragraph>}
    </s-stack>
  );
}

/** @param {Props} props */
function Heading({ block }) {
  return (
    <s-stack gap="small-200">
      <s-heading>{block.title}</s-heading>
      {block.text && <s-paragraph>{block.text}</s-paragraph>}
    </s-stack>
  );
}

/** @param {Props} props */
function Figure({ block }) {
  return (
    <s-stack gap="small-400">
      <s-text color="subdued">{block.title}</s-text>
      <s-text type="strong">{block.value}</s-text>
      {block.text && <s-paragraph color="subdued">{block.text}</s-paragraph>}
    </s-stack>
  );
}

/** @param {Props} props */
function Progress({ block, words }) {
  if (!block.progress) return null;
  const { done, of } = block.progress;
  return (
    <s-stack gap="small-200">
      <s-stack direction="inline" justifyContent="space-between" gap="base">
        <s-text>{block.title}</s-text>
        <s-text>{words('progress', { done, of })}</s-text>
      </s-stack>
      {of > 0 && <s-progress accessibilityLabel={block.title} value={Math.min(done, of)} max={of} />}
      {block.text && <s-paragraph color="subdued">{block.text}</s-paragraph>}
    </s-stack>
  );
}

/** @param {Props} props */
function List(props) {
  const { block, formKey, words, onAction } = props;
  return (
    <s-stack gap="base">
      <Titled {...props} />
      <s-stack gap="base" accessibilityRole="unordered-list">
        {block.rows?.map((row, number) => (
          <s-stack
            key={number}
            accessibilityRole="list-item"
            direction="inline"
            justifyContent="space-between"
            alignItems="center"
            gap="base"
          >
            <s-stack>
              <s-text>{row.title}</s-text>
              {row.detail && (
                <s-text color="subdued" type="small">
                  {row.detail}
                </s-text>
              )}
            </s-stack>
            <s-text>{row.value}</s-text>
            {row.button && (
              <Form
                button={row.button}
                fields={[]}
                about={row.title}
                formKey={`${formKey}-${number}`}
                words={words}
                onAction={onAction}
              />
            )}
          </s-stack>
        ))}
      </s-stack>
    </s-stack>
  );
}

/** @param {Props} props */
function Code(props) {
  return (
    <s-stack gap="small-200">
      <Titled {...props} />
      <Copied id={`${props.formKey}-code`} text={props.block.value ?? ''} words={props.words}>
        <s-text type="strong">{props.block.value}</s-text>
      </Copied>
    </s-stack>
  );
}

/** @param {Props} props */
function Link(props) {
  const address = props.block.value ?? '';
  if (!address) return <Titled {...props} />;
  return (
    <s-stack gap="small-200">
      <Titled {...props} />
      <Copied id={`${props.formKey}-link`} text={address} words={props.words}>
        {isAddress(address) ? <s-link href={address}>{address}</s-link> : <s-text>{address}</s-text>}
      </Copied>
    </s-stack>
  );
}

/** @param {Props} props */
function FormBlock(props) {
  const { block, ...rest } = props;
  return (
    <s-stack gap="base">
      <Titled {...props} />
      {block.button && <Form {...rest} button={block.button} fields={block.fields ?? []} />}
    </s-stack>
  );
}

/**
 * A text with a button that copies it.
 *
 * @param {{ id: string, text: string, words: Words, children: Children }} props
 */
function Copied({ id, text, words, children }) {
  return (
    <s-stack direction="inline" alignItems="center" gap="base">
      {children}
      <s-button variant="secondary" commandFor={id} command="--copy" accessibilityLabel={words('copyWhat', { text })}>
        {words('copy')}
      </s-button>
      <s-clipboard-item id={id} text={text} />
    </s-stack>
  );
}

/**
 * Whether a text may be the address of a link: one that runs a script is none.
 *
 * @param {string} text
 */
function isAddress(text) {
  return /^https?:\/\/\S+$/i.test(text);
}
