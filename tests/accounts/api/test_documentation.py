import pytest
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.mark.parametrize(
    ("path", "method", "status", "answer"),
    [
        ("/api/v1/auth/login", "post", "200", "TokenPair"),
        ("/api/v1/login", "post", "200", "TokenPair"),
        ("/api/v1/auth/refresh", "post", "200", "TokenPair"),
        ("/api/v1/refresh", "post", "200", "TokenPair"),
        ("/api/v1/me", "get", "200", "Me"),
        ("/api/v1/tasks/{task_id}/status", "get", "200", "TaskStatusAnswer"),
        ("/api/v1/tasks/{task_id}/result", "get", "200", "TaskResultAnswer"),
    ],
)
def test_answer_of_each_route_is_documented(schema, path, method, status, answer):
    content = schema["paths"][path][method]["responses"][status]["content"]["application/json"]

    assert content["schema"] == {"$ref": f"#/components/schemas/{answer}"}


def test_caller_is_told_to_bring_a_token_or_a_key_to_all_but_the_doors(schema):
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["bearerAuth"]["scheme"], schemes["apiKey"]["name"]) == ("bearer", "Authorization")
    assert schema["paths"]["/api/v1/me"]["get"]["security"] == [{"bearerAuth": []}]
    status = schema["paths"]["/api/v1/tasks/{task_id}/status"]["get"]
    assert status["security"] == [{"bearerAuth": []}, {"apiKey": []}]
    assert "security" not in schema["paths"]["/api/v1/auth/login"]["post"]
