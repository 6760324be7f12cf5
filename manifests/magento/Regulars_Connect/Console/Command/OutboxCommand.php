<?php

declare(strict_types=1);

namespace Regulars\Connect\Console\Command;

use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Outbox\OutboxInterface;
use Regulars\Connect\Model\Outbox\State;
use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Helper\Table;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Input\InputOption;
use Symfony\Component\Console\Output\OutputInterface;

/**
 * Shows what waits and what failed, and lets what failed be tried once more.
 */
class OutboxCommand extends Command
{
    private const STATE = 'state';
    private const LIMIT = 'limit';
    private const RETRY_FAILED = 'retry-failed';

    /**
     * @param OutboxInterface $outbox
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly OutboxInterface $outbox,
        private readonly ClockInterface $clock
    ) {
        parent::__construct();
    }

    /**
     * @inheritDoc
     */
    protected function configure(): void
    {
        $this->setName('regulars:outbox')
            ->setDescription('Shows what Regulars has not been told yet')
            ->addOption(self::STATE, null, InputOption::VALUE_REQUIRED, implode(', ', State::ALL), State::FAILED)
            ->addOption(self::LIMIT, null, InputOption::VALUE_REQUIRED, 'How many entries to show', '20')
            ->addOption(self::RETRY_FAILED, null, InputOption::VALUE_NONE, 'Try once more to send what failed');
    }

    /**
     * @inheritDoc
     */
    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $state = (string)$input->getOption(self::STATE);
        if (!in_array($state, State::ALL, true)) {
            $output->writeln('<error>--state is one of: ' . implode(', ', State::ALL) . '</error>');
            return 1;
        }
        if ($input->getOption(self::RETRY_FAILED)) {
            $output->writeln($this->outbox->reopenFailed($this->clock->now()) . ' to be tried once more');
            return 0;
        }
        foreach ($this->outbox->counts() as $name => $count) {
            $output->writeln(sprintf('%-8s %d', $name, $count));
        }
        $entries = $this->outbox->entries($state, max(1, (int)$input->getOption(self::LIMIT)));
        if ($entries !== []) {
            $table = new Table($output);
            $table->setHeaders(array_keys($entries[0]))->setRows(array_map('array_values', $entries))->render();
        }
        return 0;
    }
}
