"""People cut out of photographs: a matte, or the people on a transparent ground."""
