"use strict";

// validatorUrl: else it would show the document to another host
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger", deepLinking: true, validatorUrl: null });
