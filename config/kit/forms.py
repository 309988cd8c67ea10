"""How forms look: a renderer that finds the templates in `templates/forms/` and Django's own widgets.

A field may carry two extras: `field.widget.attrs["data-unit"]` is shown inside the box ("days", "MiB"), and
`field.widget.attrs["data-group"]` starts a group with that heading. Shape only; rules are the services'.
"""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class PostkeepRenderer(TemplatesSetting):
    """Renders through the project's template engine; `django.forms` must be in INSTALLED_APPS for the widgets."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
