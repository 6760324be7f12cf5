<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Newsletter\Model\ResourceModel\Subscriber as SubscriberResource;
use Magento\Newsletter\Model\Subscriber;
use Magento\Newsletter\Model\SubscriberFactory;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells whether somebody wants the newsletter.
 */
class ConsentBuilder implements BuilderInterface
{
    private const STATUSES = [
        Subscriber::STATUS_SUBSCRIBED => 'subscribed',
        Subscriber::STATUS_NOT_ACTIVE => 'not_active',
        Subscriber::STATUS_UNSUBSCRIBED => 'unsubscribed',
        Subscriber::STATUS_UNCONFIRMED => 'unconfirmed',
    ];

    /**
     * @param SubscriberFactory $subscribers
     * @param SubscriberResource $resource
     * @param Shop $shop
     * @param Format $format
     */
    public function __construct(
        private readonly SubscriberFactory $subscribers,
        private readonly SubscriberResource $resource,
        private readonly Shop $shop,
        private readonly Format $format
    ) {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        if (!empty($message->context['deleted'])) {
            $email = $message->context['email'] ?? null;
            return $this->tell($message, 'deleted', $message->context['customer_id'] ?? null, $email, null);
        }
        $subscriber = $this->subscribers->create();
        $this->resource->load($subscriber, $message->entityId);
        if (!$subscriber->getId()) {
            return null;
        }
        return $this->tell(
            $message,
            self::STATUSES[(int)$subscriber->getSubscriberStatus()] ?? 'not_active',
            $subscriber->getCustomerId(),
            $subscriber->getSubscriberEmail(),
            $subscriber->getChangeStatusAt()
        );
    }

    /**
     * The data. Only `subscribed` is consent.
     *
     * @param Message $message
     * @param string $status
     * @param string|int|null $customerId
     * @param string|null $email
     * @param string|null $changedAt
     * @return array
     */
    private function tell(
        Message $message,
        string $status,
        string|int|null $customerId,
        ?string $email,
        ?string $changedAt
    ): array {
        return [
            'id' => (string)$message->entityId,
            'customer_id' => $this->format->id($customerId),
            'email' => $this->format->text($email),
            'status' => $status,
            'changed_at' => $this->format->time($changedAt),
            'shop' => $this->shop->of($message->storeId, $message->websiteId),
        ];
    }
}
