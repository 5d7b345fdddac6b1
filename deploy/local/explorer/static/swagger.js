"use strict";

// without validatorUrl: null, Swagger UI sends the document to another host
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger", deepLinking: true, validatorUrl: null });
