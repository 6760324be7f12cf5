/**
 * The button that tests a connection.
 */
define(['jquery'], function ($) {
    'use strict';

    return function (config, button) {
        var outcome = document.getElementById('regulars-connection-outcome');

        $(button).on('click', function () {
            button.disabled = true;
            outcome.textContent = button.dataset.busy;
            $.post(button.dataset.url, { 'form_key': window.FORM_KEY })
                .done(function (answer) {
                    outcome.textContent = answer.text || button.dataset.broken;
                })
                .fail(function () {
                    outcome.textContent = button.dataset.broken;
                })
                .always(function () {
                    button.disabled = false;
                });
        });
    };
});
