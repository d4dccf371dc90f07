"""Extensions of the WebSocket protocol (RFC 6455 9): there is one, permessage-deflate."""
