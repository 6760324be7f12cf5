// The whole panel: asks the host for it, shows it, and shows it anew after something was asked of a plugin.
import { useEffect, useState } from 'preact/hooks';

import { Block } from './blocks.jsx';
import { Refused, act, panel } from './host.js';

/**
 * @typedef {import('./types').Action} Action
 * @typedef {import('./types').Api} Api
 * @typedef {import('./types').Notice} Notice
 * @typedef {import('./types').Section} SectionOf
 * @typedef {import('./types').State} State
 */

/** @param {{ api: Api }} props */
export function Panel({ api }) {
  const words = api.i18n.translate;
  const [state, setState] = useState(/** @type {State} */ ({ status: 'loading' }));
  const [notice, setNotice] = useState(/** @type {Notice | undefined} */ (undefined));

  async function load() {
    try {
      const sections = await panel(api.sessionToken, api.localization.language.value.isoCode);
      // Each drawing has a key of its own, so that what is asked on it counts once and can be asked again on the next.
      setState({ status: 'shown', sections, key: crypto.randomUUID() });
    } catch (error) {
      setState({ status: 'failed', reason: reasonOf(error) });
    }
  }

  function retry() {
    setState({ status: 'loading' });
    void load();
  }

  /** @type {(action: Action) => Promise<void>} */
  async function ask(action) {
    setNotice(undefined);
    try {
      await act(api.sessionToken, action);
    } catch (error) {
      setNotice({ tone: 'critical', text: words(reasonOf(error)) });
      return;
    }
    setNotice({ tone: 'success', text: words('taken') });
    await load();
  }

  useEffect(() => void load(), []);

  // A block with nothing in it takes no room, except where the merchant is looking for it.
  if (state.status === 'shown' && state.sections.length === 0 && !notice && !api.extension.editor) return null;
  return (
    <s-section heading={words('heading')}>
      <s-stack gap="large">
        {/* It is there from the beginning: what appears in it later is read out. */}
        <s-stack accessibilityRole="status">{notice && <s-banner tone={notice.tone}>{notice.text}</s-banner>}</s-stack>
        <Content state={state} api={api} onRetry={retry} onAction={ask} />
      </s-stack>
    </s-section>
  );
}

/**
 * @param {object} props
 * @param {State} props.state
 * @param {Api} props.api
 * @param {() => void} props.onRetry
 * @param {(action: Action) => Promise<void>} props.onAction
 */
function Content({ state, api, onRetry, onAction }) {
  const words = api.i18n.translate;
  if (state.status === 'loading') return <s-skeleton-paragraph content={words('loading')} />;
  if (state.status === 'failed') {
    return (
      <s-stack gap="base">
        <s-banner tone="warning">{words(state.reason)}</s-banner>
        <s-button variant="secondary" onClick={onRetry}>
          {words('retry')}
        </s-button>
      </s-stack>
    );
  }
  if (state.sections.length === 0) return <s-paragraph>{words('empty')}</s-paragraph>;
  return (
    <s-stack gap="large-300">
      {state.sections.map((section, number) => (
        <Section
          // A form begins empty on each drawing.
          key={`${state.key}-${section.plugin}`}
          section={section}
          formKey={`${state.key}-${number}`}
          words={words}
          onAction={onAction}
        />
      ))}
    </s-stack>
  );
}

/**
 * @param {object} props
 * @param {SectionOf} props.section
 * @param {string} props.formKey
 * @param {Api['i18n']['translate']} props.words
 * @param {(action: Action) => Promise<void>} props.onAction
 */
function Section({ section, formKey, words, onAction }) {
  if (!section.blocks) {
    return <s-paragraph color="subdued">{words('partMissing')}</s-paragraph>;
  }
  return (
    <s-stack gap="base" accessibilityRole="section" accessibilityLabel={section.title}>
      {section.blocks.map((block, number) => (
        <Block
          key={number}
          block={block}
          formKey={`${formKey}-${number}`}
          words={words}
          onAction={(action) => onAction({ ...action, plugin: section.plugin })}
        />
      ))}
    </s-stack>
  );
}

/**
 * The word for what went wrong, as far as whoever looks can do something about it.
 *
 * @param {unknown} error
 */
function reasonOf(error) {
  if (!(error instanceof Refused)) return 'unreachable';
  if (error.status === 401 || error.status === 403) return 'signIn';
  if (error.status === 429) return 'busy';
  return 'failed';
}
