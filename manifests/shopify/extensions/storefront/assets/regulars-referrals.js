// Notes on the cart which shared link led here, so that the order tells it. It is kept in the cart and nowhere else,
// and names the link, not the visitor.
(() => {
  const PARAMETER = 'regulars_link';

  /** What names of links look like; whatever else stands in the address is not the host's. */
  const NAME = /^[A-Za-z0-9_-]{1,64}$/;

  async function note() {
    const address = new URL(location.href);
    const link = address.searchParams.get(PARAMETER);
    const cart = document.getElementById('regulars-referrals')?.dataset.cart;
    if (!cart || !link || !NAME.test(link)) return;
    const answer = await fetch(cart, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      credentials: 'same-origin',
      body: JSON.stringify({ attributes: { [PARAMETER]: link } }),
    });
    if (!answer.ok) return;
    // Whoever passes this page's address on shares the page and not a friend's link.
    address.searchParams.delete(PARAMETER);
    history.replaceState(history.state, '', address);
  }

  // A cart that cannot be reached is none of the visitor's worry: the parameter stays, and reloading tries again.
  const quietly = () => note().catch(() => {});
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', quietly);
  else quietly();
})();
