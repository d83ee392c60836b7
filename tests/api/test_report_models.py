"""Models of reports: nothing in them is about one customer."""

from pydantic import BaseModel

from gateway.api import report_models


def test_no_report_has_a_field_of_a_customer() -> None:
    models = [
        kind
        for kind in vars(report_models).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not BaseModel
    ]
    assert len(models) > 10
    for model in models:
        assert not {"customer_code", "customer", "address", "phone"} & model.model_fields.keys()
