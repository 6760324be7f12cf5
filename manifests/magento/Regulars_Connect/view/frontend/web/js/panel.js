/**
 * Puts the panel into its place once the page is there, and sends its forms without leaving the page.
 */
define(['jquery'], function ($) {
    'use strict';

    return function (config, place) {
        var failed = place.dataset.failed;

        /**
         * Tells in the panel's place that there is none.
         *
         * @param {Object} response
         */
        function fail(response) {
            var notice = document.createElement('p');

            // Nobody is signed in any more, or the customer has no panel yet.
            if (response.status === 401 || response.status === 404) {
                place.remove();

                return;
            }
            notice.setAttribute('role', 'alert');
            notice.textContent = failed;
            place.querySelectorAll('.regulars-waiting, [role=alert]').forEach(function (old) {
                old.remove();
            });
            place.prepend(notice);
        }

        /**
         * Asks the shop for the panel, and shows it. The shop lets through only elements that it knows to be harmless.
         *
         * @param {Object} request
         * @return {Object}
         */
        function show(request) {
            place.setAttribute('aria-busy', 'true');

            return $.ajax(request)
                .done(function (answer) {
                    place.innerHTML = answer.html;
                })
                .fail(fail)
                .always(function () {
                    place.setAttribute('aria-busy', 'false');
                });
        }

        $(place).on('submit', 'form', function (event) {
            var form = event.currentTarget,
                button = form.querySelector('button');

            event.preventDefault();
            // A second click sends nothing; a second form would count once all the same.
            if (button) {
                button.disabled = true;
            }
            show({ url: form.action, method: 'POST', data: $(form).serialize(), dataType: 'json' })
                .done(function () {
                    place.setAttribute('tabindex', '-1');
                    place.focus();
                })
                .always(function () {
                    if (button) {
                        button.disabled = false;
                    }
                });
        });

        show({ url: place.dataset.url, dataType: 'json', cache: false });
    };
});
