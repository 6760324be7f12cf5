<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Regulars\Connect\Model\Outbox\Message;

/**
 * Finds the builder of a topic: its own, or that of what stands before its dot.
 */
class BuilderPool implements BuilderInterface
{
    /**
     * @param array<string, BuilderInterface> $builders
     */
    public function __construct(private readonly array $builders)
    {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        $kind = strstr($message->topic, '.', true);
        $builder = $this->builders[$message->topic] ?? $this->builders[$kind] ?? null;
        if ($builder === null) {
            throw new \LogicException('No builder for the topic ' . $message->topic);
        }
        return $builder->build($message);
    }
}
