<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Customer\Api\AccountManagementInterface;
use Magento\Customer\Api\CustomerRepositoryInterface;
use Magento\Customer\Api\Data\AddressInterface;
use Magento\Customer\Api\Data\CustomerInterface;
use Magento\Framework\Exception\NoSuchEntityException;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of a customer.
 */
class CustomerBuilder implements BuilderInterface
{
    /**
     * @param CustomerRepositoryInterface $customers
     * @param AccountManagementInterface $accounts
     * @param Config $config
     * @param Shop $shop
     * @param Format $format
     */
    public function __construct(
        private readonly CustomerRepositoryInterface $customers,
        private readonly AccountManagementInterface $accounts,
        private readonly Config $config,
        private readonly Shop $shop,
        private readonly Format $format
    ) {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        try {
            $customer = $this->customers->getById($message->entityId);
            $confirmation = $this->accounts->getConfirmationStatus($message->entityId);
        } catch (NoSuchEntityException $exception) {
            return null;
        }
        $format = $this->format;
        $known = [
            'id' => (string)(int)$customer->getId(),
            'email' => $format->text($customer->getEmail()),
            // Where none is asked for, nobody has seen that the address is theirs.
            'email_confirmed' => $confirmation === AccountManagementInterface::ACCOUNT_CONFIRMED,
            'group_id' => (string)(int)$customer->getGroupId(),
            'shop' => $this->shop->of((int)$customer->getStoreId(), $message->websiteId),
            'created_at' => $format->time($customer->getCreatedAt()),
            'updated_at' => $format->time($customer->getUpdatedAt()),
        ];
        return $this->config->sharesDetails($message->websiteId) ? $known + [
            'first_name' => $format->text($customer->getFirstname()),
            'last_name' => $format->text($customer->getLastname()),
            'phone' => $format->text($this->billingAddress($customer)?->getTelephone()),
            'birthday' => $format->day($customer->getDob()),
        ] : $known;
    }

    /**
     * The default billing address.
     *
     * @param CustomerInterface $customer
     * @return AddressInterface|null
     */
    private function billingAddress(CustomerInterface $customer): ?AddressInterface
    {
        foreach ($customer->getAddresses() ?? [] as $address) {
            if ($address->isDefaultBilling()) {
                return $address;
            }
        }
        return null;
    }
}
