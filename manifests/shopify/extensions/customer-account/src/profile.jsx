// The block on the profile page. Whoever sees it is signed in.
import '@shopify/ui-extensions/preact';
import { render } from 'preact';

import { Panel } from './Panel.jsx';

export default async () => {
  render(<Panel api={shopify} />, document.body);
};
