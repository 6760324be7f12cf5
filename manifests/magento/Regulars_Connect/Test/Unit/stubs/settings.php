<?php

/**
 * Stands in for what Magento has to save settings with.
 */

declare(strict_types=1);

namespace Magento\Framework\Model {
    class Context
    {
    }
}

namespace Magento\Framework\Model\ResourceModel {
    class AbstractResource
    {
    }
}

namespace Magento\Framework\Data\Collection {
    class AbstractDb
    {
    }
}

namespace Magento\Framework {
    class Registry
    {
    }
}

namespace Magento\Framework\App\Cache {
    class TypeListInterface
    {
    }
}

namespace Magento\Framework\Exception {
    class ValidatorException extends LocalizedException
    {
        public function __construct(\Magento\Framework\Phrase $phrase)
        {
            parent::__construct((string)$phrase);
        }
    }
}

namespace Magento\Framework\App\Config {
    class Value extends \Magento\Framework\DataObject
    {
        public function __construct(
            $context,
            $registry,
            $config,
            $cacheTypeList,
            $resource = null,
            $resourceCollection = null,
            array $data = []
        ) {
            parent::__construct($data);
        }

        public function getValue()
        {
            return $this->getData('value');
        }

        public function setValue($value)
        {
            return $this->setData('value', $value);
        }

        public function beforeSave()
        {
            return $this;
        }
    }
}
