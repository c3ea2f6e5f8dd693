from django.views.generic import TemplateView


class StyleGuideView(TemplateView):
    """Every component in every state, for eyes, axe and screenshots."""

    template_name = "portal/style_guide.html"
