<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Panel;

use Magento\Customer\Model\Session;
use Magento\Framework\Controller\Result\Json;
use Magento\Framework\Controller\Result\JsonFactory;
use Magento\Framework\Data\Form\FormKey;
use Magento\Framework\Locale\ResolverInterface;
use Magento\Framework\UrlInterface;
use Magento\Store\Model\StoreManagerInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\TransportException;

/**
 * Answers the page's script with the panel of whoever is signed in.
 */
class Responder
{
    private const ACT_ROUTE = 'regulars/panel/act';

    /**
     * @param Session $session
     * @param StoreManagerInterface $storeManager
     * @param ResolverInterface $locale
     * @param UrlInterface $url
     * @param FormKey $formKey
     * @param JsonFactory $jsonFactory
     * @param Config $config
     * @param Markup $markup
     */
    public function __construct(
        private readonly Session $session,
        private readonly StoreManagerInterface $storeManager,
        private readonly ResolverInterface $locale,
        private readonly UrlInterface $url,
        private readonly FormKey $formKey,
        private readonly JsonFactory $jsonFactory,
        private readonly Config $config,
        private readonly Markup $markup
    ) {
    }

    /**
     * The panel that `$fetch` gets for a connection, a customer and a language.
     *
     * @param callable $fetch
     * @return Json
     */
    public function respond(callable $fetch): Json
    {
        $connection = $this->shownConnection();
        if ($connection === null) {
            return $this->status(404);
        }
        if (!$this->session->isLoggedIn()) {
            return $this->status(401);
        }
        $customerId = (int)$this->session->getCustomerId();
        $formKey = $this->formKey->getFormKey();
        // Other pages of the same shopper wait for the session: it is let go before anybody else is waited for.
        $this->session->writeClose();
        try {
            $answer = $fetch($connection, $customerId, str_replace('_', '-', (string)$this->locale->getLocale()));
        } catch (TransportException $exception) {
            return $this->status(503);
        }
        if (!$answer->isAccepted()) {
            // Whom Regulars does not know yet has no panel.
            return $this->status($answer->status === 404 ? 404 : 503);
        }
        $html = $this->markup->fragment($answer->body, $this->url->getUrl(self::ACT_ROUTE), $formKey);
        return $this->status(200, ['html' => $html]);
    }

    /**
     * An answer that nobody keeps.
     *
     * @param int $status
     * @param array $data
     * @return Json
     */
    public function status(int $status, array $data = []): Json
    {
        return $this->jsonFactory->create()
            ->setHttpResponseCode($status)
            ->setHeader('Cache-Control', 'no-store, private', true)
            ->setData($data);
    }

    /**
     * The website's connection, if shoppers are shown the panel there.
     *
     * @return Connection|null
     */
    private function shownConnection(): ?Connection
    {
        $websiteId = (int)$this->storeManager->getStore()->getWebsiteId();
        return $this->config->showsPanel($websiteId) ? $this->config->connection($websiteId) : null;
    }
}
