"""What operators do to the distributed run: look at dead letters and send them again, build an index anew. Above the packages it joins."""
