// The block on an order's status page, which also opens for whoever has the order's link: nothing is shown of anybody
// before they have signed in.
import '@shopify/ui-extensions/preact';
import { render } from 'preact';

import { Panel } from './Panel.jsx';

export default async () => {
  render(<Block />, document.body);
};

function Block() {
  // Reading the signal here makes the block draw itself anew once somebody has signed in.
  if (shopify.authenticationState.value === 'fully_authenticated') return <Panel api={shopify} />;
  return (
    <s-section heading={shopify.i18n.translate('heading')}>
      <s-stack gap="base">
        <s-paragraph>{shopify.i18n.translate('signIn')}</s-paragraph>
        <s-button variant="secondary" onClick={() => shopify.requireLogin()}>
          {shopify.i18n.translate('signInButton')}
        </s-button>
      </s-stack>
    </s-section>
  );
}
