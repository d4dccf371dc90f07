/** The version of the front end, put in when it is built. */
declare const __VERSION__: string
