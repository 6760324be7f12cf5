<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Panel;

/**
 * Makes a fragment of the shop's page from the panel's HTML. Only what is listed here is taken over, so that nothing
 * that comes from elsewhere can run, load or look like something else in the shop.
 */
class Markup
{
    /** Elements that are taken over, with their attributes. */
    private const ELEMENTS = [
        'section' => ['aria-label'],
        'div' => [],
        'h1' => [],
        'h2' => [],
        'h3' => [],
        'p' => ['role'],
        'span' => [],
        'strong' => [],
        'em' => [],
        'br' => [],
        'ul' => [],
        'ol' => [],
        'li' => [],
        'dl' => [],
        'dt' => [],
        'dd' => [],
        'code' => [],
        'time' => ['datetime'],
        'progress' => ['value', 'max'],
        'a' => ['href'],
        'form' => [],
        'fieldset' => [],
        'legend' => [],
        'label' => ['for'],
        'input' => [
            'type', 'name', 'value', 'required', 'min', 'max', 'step', 'inputmode', 'autocomplete',
        ],
        'select' => ['name', 'required'],
        'option' => ['value', 'selected'],
        'button' => ['aria-label'],
    ];

    /** Elements of which nothing is taken over; of others that are not listed, the content is. */
    private const DROPPED = [
        'script', 'style', 'template', 'iframe', 'object', 'embed', 'svg', 'math', 'head', 'title', 'noscript',
    ];

    private const INPUT_TYPES = ['hidden', 'text', 'number', 'date', 'email', 'tel', 'checkbox', 'radio'];

    /** Fields that say what a form is for. */
    private const OWN_FIELDS = [Submission::PLUGIN, Submission::ACTION, 'form_key'];

    /** Keeps names apart from those of the shop's page. */
    private const PREFIX = 'regulars-';

    /** Where a form of the panel posts to, by its own words. */
    private const FORM = '#(?:^|/)plugins/([a-z0-9_-]+)/actions/([a-z0-9_-]+)(?:\?|$)#D';

    /**
     * The fragment. Forms post to one address of the shop, with its form key.
     *
     * @param string $html
     * @param string $actUrl
     * @param string $formKey
     * @return string
     */
    public function fragment(string $html, string $actUrl, string $formKey): string
    {
        $page = new \DOMDocument();
        // HTML 5 has elements that libxml does not know and reads all the same.
        $read = $page->loadHTML('<?xml encoding="utf-8"?>' . $html, LIBXML_NOERROR | LIBXML_NOWARNING | LIBXML_NONET);
        if (!$read) {
            return '';
        }
        $main = $page->getElementsByTagName('main')->item(0) ?? $page->getElementsByTagName('body')->item(0);
        $fragment = new \DOMDocument('1.0', 'UTF-8');
        $root = $fragment->appendChild($fragment->createElement('div'));
        if ($main !== null) {
            $this->copyChildren($main, $root, ['url' => $actUrl, 'form_key' => $formKey]);
        }
        return implode('', array_map([$fragment, 'saveHTML'], iterator_to_array($root->childNodes, false)));
    }

    /**
     * Copies what may be taken over.
     *
     * @param \DOMNode $from
     * @param \DOMNode $to
     * @param array $forms
     * @return void
     */
    private function copyChildren(\DOMNode $from, \DOMNode $to, array $forms): void
    {
        foreach ($from->childNodes as $child) {
            if ($child instanceof \DOMText) {
                $to->appendChild($to->ownerDocument->createTextNode($child->data));
            } elseif ($child instanceof \DOMElement) {
                $this->copyElement($child, $to, $forms);
            }
        }
    }

    /**
     * Copies an element, or its content alone.
     *
     * @param \DOMElement $element
     * @param \DOMNode $to
     * @param array $forms
     * @return void
     */
    private function copyElement(\DOMElement $element, \DOMNode $to, array $forms): void
    {
        $name = strtolower($element->nodeName);
        if (in_array($name, self::DROPPED, true) || !$this->isHarmless($name, $element)) {
            return;
        }
        if (!isset(self::ELEMENTS[$name])) {
            $this->copyChildren($element, $to, $forms);
            return;
        }
        $copy = $to->appendChild($to->ownerDocument->createElement($name));
        foreach (self::ELEMENTS[$name] as $attribute) {
            if ($element->hasAttribute($attribute)) {
                $prefix = $attribute === 'for' ? self::PREFIX : '';
                $copy->setAttribute($attribute, $prefix . $element->getAttribute($attribute));
            }
        }
        $this->copyNames($element, $copy);
        if ($name === 'form') {
            $this->direct($element, $copy, $forms);
        } elseif ($name === 'a') {
            $copy->setAttribute('rel', 'noopener');
        } elseif ($name === 'button') {
            $copy->setAttribute('type', 'submit');
        }
        $this->copyChildren($element, $copy, $forms);
    }

    /**
     * Whether an element does what its name lets expect.
     *
     * @param string $name
     * @param \DOMElement $element
     * @return bool
     */
    private function isHarmless(string $name, \DOMElement $element): bool
    {
        return match ($name) {
            'a' => (bool)preg_match('#^https?://[^\s\\\\]+$#Di', $element->getAttribute('href')),
            'form' => strtolower($element->getAttribute('method')) === 'post'
                && preg_match(self::FORM, $element->getAttribute('action')),
            'input' => in_array(strtolower($element->getAttribute('type')) ?: 'text', self::INPUT_TYPES, true)
                && !in_array($element->getAttribute('name'), self::OWN_FIELDS, true),
            default => true,
        };
    }

    /**
     * Copies an element's id and classes, apart from the page's own.
     *
     * @param \DOMElement $element
     * @param \DOMElement $copy
     * @return void
     */
    private function copyNames(\DOMElement $element, \DOMElement $copy): void
    {
        if ($element->hasAttribute('id')) {
            $copy->setAttribute('id', self::PREFIX . $element->getAttribute('id'));
        }
        $classes = preg_split('/\s+/', $element->getAttribute('class'), -1, PREG_SPLIT_NO_EMPTY);
        if ($classes) {
            $prefixed = array_map(static fn (string $class): string => self::PREFIX . $class, $classes);
            $copy->setAttribute('class', implode(' ', $prefixed));
        }
    }

    /**
     * Lets a form post to the shop, saying what for.
     *
     * @param \DOMElement $form
     * @param \DOMElement $copy
     * @param array $forms
     * @return void
     */
    private function direct(\DOMElement $form, \DOMElement $copy, array $forms): void
    {
        preg_match(self::FORM, $form->getAttribute('action'), $names);
        $copy->setAttribute('method', 'post');
        $copy->setAttribute('action', $forms['url']);
        $hidden = [
            'form_key' => $forms['form_key'],
            Submission::PLUGIN => $names[1],
            Submission::ACTION => $names[2],
        ];
        foreach ($hidden as $name => $value) {
            $input = $copy->appendChild($copy->ownerDocument->createElement('input'));
            $input->setAttribute('type', 'hidden');
            $input->setAttribute('name', $name);
            $input->setAttribute('value', $value);
        }
    }
}
