<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit;

use JsonSchema\Validator;
use PHPUnit\Framework\Assert;
use Regulars\Connect\Model\Delivery\Envelope;
use Regulars\Connect\Model\Outbox\Message;

/**
 * The schema that Regulars is told to expect, put to what is sent.
 */
final class WireSchema
{
    /** Fails unless a body is of the schema, and of it with nothing beside. */
    public static function accepts(string $body): void
    {
        if (!class_exists(Validator::class)) {
            Assert::markTestSkipped('php-json-schema is not installed: payloads are NOT checked against the schema');
        }
        $read = json_decode($body, false, 512, JSON_THROW_ON_ERROR);
        $schema = self::schema();
        foreach ($schema->oneOf as $envelope) {
            if (in_array($read->topic, $envelope->properties->topic->enum, true)) {
                $schema->oneOf = [$envelope];
            }
        }
        Assert::assertCount(1, $schema->oneOf, "the schema does not know the topic $read->topic");
        $validator = new Validator();
        $validator->validate($read, $schema);
        Assert::assertSame([], $validator->getErrors(), $body);
    }

    /** The same for the data of a message. */
    public static function acceptsData(Message $message, array $data): void
    {
        self::accepts((new Envelope($message->deliveryId, $message->topic, $message->occurredAt, $data))->body('shop'));
    }

    /** @return string[] */
    public static function topics(): array
    {
        return array_merge(...array_map(static fn ($of): array => $of->properties->topic->enum, self::schema()->oneOf));
    }

    private static function schema(): \stdClass
    {
        $file = file_get_contents(dirname(__DIR__, 2) . '/docs/wire.schema.json');
        return json_decode($file, false, 512, JSON_THROW_ON_ERROR);
    }
}
