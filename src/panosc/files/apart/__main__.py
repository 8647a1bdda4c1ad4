"""``python -m panosc.files.apart``: what `reader_command` runs as the account that reads."""

from panosc.files.apart.keeper import main

if __name__ == "__main__":
    main()
